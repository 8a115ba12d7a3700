"""One night of the feeds whose way to silver is tested here, and what was put beside it by hand."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from catalog.tables import REGISTRY, SOURCES, selection
from jobs import runner
from jobs.delta.lake import Lake
from jobs.generate import event_pools
from jobs.generate.feeds.iot_events import event
from jobs.outcome import TableResult
from tests.simulator.nights import SEED, TUESDAY
from tests.support.simulated import file_like_a_stream

NIGHT = TUESDAY
BY_HAND = "-0-0."  # in the names of files that were delivered
EVENTS = 100  # iot_events of a night at scale 0.01
SCALES = {"telematics": 0.01, "iot_events": 0.01, "machine_sensors": 0.2, "inspections": 0.2}
TABLES = selection(["telematics"]) | {*REGISTRY, *SCALES}

# Of machine 901, which the simulation does not have.
READINGS = [
    "901,1,A06,SkyJet234,2024-03-05 08:00:00,0.6,600,950,60,20,2",
    "901,1,A06,SkyJet234,2024-03-05 08:01:00,0.6,600,-950,60,20,2",
    "901,1,A06,SkyJet234,2024-03-05 08:02:00,0.6,600,950,,20,2",
    "901,1,A06,SkyJet234,2024-03-05 08:03:00,0.6,600,950,600,20,2",
    "901,1,B99,SkyJet234,2024-03-05 08:04:00,0.6,600,950,60,20,2",
]
PARTS = ["0,2024-03-05 12:00:00,901", "1,,901", "1,2024-03-05 12:12:00,", "2,2024-03-05 12:24:00,901"]


def simulated_event(row: int) -> dict:
    return event(SEED, 64, row, event_pools.load())


@dataclass(frozen=True)
class Reconciled:
    """A lake in which the night is reconciled; its tests only read it."""

    home: Path
    table: Callable[[str], DataFrame]
    verified: list[TableResult]

    def account(self, source: str) -> dict:
        """The source's account of the night."""
        of_night = self.table("ops.row_accounts").where(f"source = '{source}' AND night = DATE '{NIGHT}'")
        return of_night.first().asDict()

    def refused(self, *sources: str, by_hand: bool) -> list:
        """Quarantined rows of sources: those that were delivered by hand, or the others."""
        rows = self.table("ops.quarantine").collect()
        return [row for row in rows if row.source in sources and (BY_HAND in row.file) == by_hand]

    def landed(self, source: str) -> Iterator[Path]:
        """The files that were generated for the night."""
        files = (self.home / "landing" / source / f"arrived={NIGHT}").iterdir()
        return (file for file in files if file.name[0] != "_" and BY_HAND not in file.name)

    def faults(self, *sources: str) -> Counter:
        """How often each fault was put in."""
        labels = [self.home / "truth" / source / f"arrived={NIGHT}" for source in sources]
        lines = [line for folder in labels for file in folder.glob("*.json") for line in file.open()]
        return Counter(json.loads(line)["kind"] for line in lines)


def reconcile(spark: SparkSession, lake: Callable[..., object]) -> Reconciled:
    """Generate the night, deliver files beside it, and bring all of it to silver."""
    home = lake("generate").home
    odd = {**simulated_event(0), "event_id": "as-text", "json_column": '{"as": "text"}'}
    none = {**simulated_event(0), "event_id": "no-object", "json_column": [1, 2]}
    _drop(home, "iot_events", [json.dumps(odd), json.dumps(none)])
    _drop(home, "machine_sensors", [",".join(SOURCES["machine_sensors"].fields), *READINGS])
    _drop(home, "inspections", ["defect,timestamp,device_id", *PARTS])

    def run(stage: str, **more: object) -> list[TableResult]:
        settings = lake(stage, **{"night": NIGHT, "tables": TABLES, **more})
        return runner.stage(stage)(Lake(spark, settings))

    # Without the registry's first load, of 10,000 devices: none of these feeds' devices is in the registry.
    for scale in set(SCALES.values()):
        of_scale = frozenset(source for source, of_source in SCALES.items() if of_source == scale)
        run("generate", tables=of_scale, scale=scale)
    run("bronze")
    run("silver")
    verified = run("verify")
    return Reconciled(home, lambda name: spark.table(lake("verify").table(name)), verified)


def _drop(home: Path, source: str, lines: list[str]) -> None:
    folder = home / "landing" / source / f"arrived={NIGHT}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file_like_a_stream(source, SOURCES[source].format)).write_text("\n".join(lines) + "\n")
