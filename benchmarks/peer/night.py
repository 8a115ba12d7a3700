"""A night of the peer, step by step, from landed files to published gold."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa

from peer import bronze, devices, gold, gold_checks, silver
from peer.lake import Lake
from peer.publish import publish
from peer.silver import ACCOUNT, Reconciled
from peer.sources import SOURCES


@dataclass
class Night:
    """What a night took and gave."""

    night: str
    steps: dict[str, dict[str, float]] = field(default_factory=dict)
    """Step -> `seconds` by the clock, `cpu` seconds of the processor."""

    accounts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Source -> rows as ACCOUNT."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step."""
        started, cpu = time.monotonic(), _cpu()
        yield
        self.steps[name] = {"seconds": time.monotonic() - started, "cpu": _cpu() - cpu}


def run_night(lake: Lake, landing: Path, night: date) -> Night:
    """Run a night, of which readings and events must have landed. Raises ContractBroken for data that breaks one.

    Every step can run again: bronze and quarantine replace their night, silver merges when it is not new. A night that
    has copies of rows of later ones does not balance, and is refused: the peer takes nights in their order.
    """
    done, unusual = Night(str(night)), {}
    sources = [source for source in SOURCES.values() if bronze.landed(landing, source, night)]
    with done.step("bronze"):
        for source in sources:
            bronze.ingest(lake, landing, source, night)
    with done.step("check_bronze"):
        for source in sources:
            unusual[source.bronze_table] = bronze.check(lake, source, night)
    reconciled: dict[str, Reconciled] = {}
    with done.step("silver"):
        for source in sources:
            if source.name == "events":
                devices.derive(lake)
            reconciled[source.name] = silver.process(lake, landing, source, night)
        done.accounts = {name: each.account for name, each in reconciled.items()}
        _write_accounts(lake, night, done.accounts)
    with done.step("check_silver"):
        for source in sources:
            unusual[source.silver_table] = silver.check(lake, source, night, reconciled[source.name].dates)
    with done.step("gold"):
        slices = gold.build(lake, night, {name: each.dates for name, each in reconciled.items()})
    with done.step("check_gold"):
        unusual["gold"] = gold_checks.check(lake)
    with done.step("publish"):
        digests = [(SOURCES[name].silver_table, night, *each.digest) for name, each in reconciled.items()]
        found, restated = publish(lake, night, slices, digests)
    with done.step("report"):
        _report(lake, done, {"unusual": unusual, "digests": found, "restated": restated})
    return done


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _write_accounts(lake: Lake, night: date, accounts: Mapping[str, tuple[int, ...]]) -> None:
    counts = zip(*accounts.values(), strict=True)
    rows = pa.table(
        {
            "source": list(accounts),
            "night": pa.array([night] * len(accounts)),
            **{name: pa.array(column, pa.int64()) for name, column in zip(ACCOUNT, counts, strict=True)},
        }
    )
    lake.replace("ops.row_accounts", rows, f"night = '{night}'")


def _report(lake: Lake, done: Night, found: Mapping[str, object]) -> None:
    """Write the night's report: accounts, reasons of quarantine, digests, and what was unusual or restated."""
    reasons = lake.fetch(
        "SELECT source, reason, count(*) FROM ("
        f"SELECT source, unnest(reasons) AS reason FROM {lake.rows('ops.quarantine')} "
        f"WHERE night = DATE '{done.night}') GROUP BY ALL ORDER BY 3 DESC"
    )
    folder = lake.folder / "reports"
    folder.mkdir(exist_ok=True)
    report = {"night": done.night, "accounts": done.accounts, "reasons": reasons, **found}
    (folder / f"{done.night}.json").write_text(json.dumps(report, default=str))
