"""Two lakes, one a platform: what the DAGs emit for each goes through `jobs.main` in one process a platform."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from catalog.tables import OPTIONAL, SCHEMAS, SOURCES, TABLES
from jobs.generate.feed import FIRST_DEVICE
from tests.support.emitted import Run, asked
from tests.support.sides import Digests, Ended, Side, at_once, in_this_process
from tests.support.simulated import file_like_a_stream
from tests.support.standin.compute import compute

# The least of which no table stays empty, but for those that rows delivered by hand are for.
SCALE = 0.02
# A night as the DAG runs it, which does not pass its check at first.
NIGHT = "2024-03-08"
FIRST = ["device_health", "locations", "telemetry", "sensor_logs", "iot_events"]
# Then earlier ones, in bulk on Databricks and backwards here, of all others: tables that rows are delivered for, and those
# that a night makes only when it is asked to.
EARLIER = ("2024-03-05", "2024-03-06")
SEVERAL = ["readings", "machine_sensors", "site_events", *OPTIONAL]
RECEIVED = "live_sensors"
# The others are simulated in the earlier nights.
REAL = "telematics"
# That of a target that no other suite has on the same server.
TARGET, VOLUME = "prod", "/Volumes/main/iot_ops/lake"


SIMULATED = ",".join(name for name in SOURCES if name != REAL)


def _night(run_id: str, night: str, tables: Iterable[str] = (), simulate: str = "all") -> Run:
    form = {"night": night, "scale": SCALE, "tables": [*tables], "simulate": simulate}
    return Run("iot_nightly", run_id, form)


def _stream(run_id: str, seconds: int, sink: str) -> Run:
    form = {"night": EARLIER[0], "rows_per_second": 2, "seconds": seconds, "sink": sink, "simulate": "all"}
    return Run("iot_stream", run_id, form)


RUNS = {
    "night": _night(f"manual__{NIGHT}T01:00:00+00:00", NIGHT, FIRST),
    "streams": _stream("to-files", 300, "json"),
    "nights in bulk": Run(
        "iot_backfill",
        "in-bulk",
        {"first": EARLIER[0], "last": EARLIER[-1], "scale": SCALE, "tables": SEVERAL, "simulate": SIMULATED},
    ),
    **{
        f"night {night}": _night(f"backfill__{night}T01:00:00+00:00", night, SEVERAL, SIMULATED)
        for night in EARLIER
    },
    "training": Run("iot_model", "training", {"night": EARLIER[-1], "train_nights": 1, "test_nights": 1}),
    "without a secret": _stream("without-a-secret", 60, "kafka"),
    "to Kafka": _stream("to-kafka", 60, "kafka"),
    "from Kafka": Run("iot_receive", "from-kafka", {"source": RECEIVED}),
}


@dataclass(frozen=True)
class Sides:
    """Both platforms, and the drawer in which Databricks keeps secrets."""

    local: Side
    remote: Side
    keep_secret: Callable[[str, str, str], None]

    def __iter__(self) -> Iterator[Side]:
        return iter((self.local, self.remote))


@pytest.fixture(scope="module")
def sides(
    spark: SparkSession, connect_server: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sides]:
    """Both platforms, each with an empty lake on one server, and the jobs of Databricks in a process of their own."""
    home, root = tmp_path_factory.mktemp("local"), Path(connect_server["LAKEHOUSE_HOME"])
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(asked, RUNS, {"local": home, TARGET: home})
        with compute(root, connect_server["SPARK_REMOTE"], VOLUME) as databricks:
            emitted = asking.result()
            local = Side(spark, emitted["local"], in_this_process)
            remote = Side(spark, emitted[TARGET], databricks.run, databricks.here)
            try:
                yield Sides(local, remote, databricks.keep_secret)
            finally:
                for schema in (side.settings.schema(layer) for side in (local, remote) for layer in SCHEMAS):
                    spark.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@dataclass(frozen=True)
class Night:
    """What a platform had of a night, before and after its cause for failing was mended."""

    failed: Ended
    results_of_the_failed: dict[str, Any]
    page_of_the_failed: str
    gold_of_the_failed: Digests
    refused: tuple[set[str], set[str]]
    """The sources of which the check refused silver, before and after."""

    mended: Ended
    run_results: dict[str, Any]
    tables: Digests


@pytest.fixture(scope="module")
def night(sides: Sides) -> tuple[Night, Night]:
    """Here and there: a night on few tables, broken at first."""
    here, there = at_once(_night_mended, *sides)
    return here, there


def _night_mended(side: Side) -> Night:
    gold = [name for name, table in TABLES.items() if table.layer == "gold"]
    _succeed(side.run("night", until="check_silver"))
    devices = side.settings.table("silver.devices")
    version = side.spark.sql(f"DESCRIBE HISTORY {devices} LIMIT 1").collect()[0].version
    side.spark.sql(f"UPDATE {devices} SET status = 'Broken' WHERE device_id % 10 = 0")
    failed, run_results = side.run("night", after="silver"), side.run_results("night")
    pages = [page for page in run_results["check_silver"]["pages"] if page.startswith("runs/")]
    texts = [(side.settings.docs / page).read_text() for page in pages]
    gold_of_the_failed, refused = side.digests(gold), _refused(side)
    side.spark.sql(f"RESTORE TABLE {devices} TO VERSION AS OF {version}")
    mended = side.run("night", after="silver")
    return Night(
        failed=failed,
        results_of_the_failed=run_results,
        page_of_the_failed="".join(texts),
        gold_of_the_failed=gold_of_the_failed,
        refused=(refused, _refused(side)),
        mended=mended,
        run_results=side.run_results("night"),
        tables=side.digests(),
    )


def _refused(side: Side) -> set[str]:
    return {row.source for row in side.rows("ops.row_accounts") if row.is_refused}


@pytest.fixture(scope="module")
def after_all(sides: Sides, night: tuple[Night, Night]) -> Sides:
    """Both platforms after two earlier nights as well, with a piece of each stream and files delivered by hand."""
    at_once(lambda side: _earlier_nights(side, in_bulk=side is sides.remote), *sides)
    return sides


def _earlier_nights(side: Side, *, in_bulk: bool) -> None:
    _succeed(side.run("streams"))
    # So little data has no device and no machine that is bad enough for some tables.
    side.deliver(
        f"readings/arrived={EARLIER[0]}/{file_like_a_stream('readings', 'json')}", noisy_device(FIRST_DEVICE)
    )
    side.deliver(
        f"machine_sensors/arrived={EARLIER[0]}/{file_like_a_stream('machine_sensors', 'csv')}", hot_machine()
    )
    for name, content in FILES.items():
        side.deliver(f"{REAL}/arrived={EARLIER[0]}/{name}", content)
    if in_bulk:
        _succeed(side.run("nights in bulk"))
    else:
        _succeed(*side.run_mixed(*(f"night {night}" for night in reversed(EARLIER))))


def _succeed(*jobs: Ended) -> None:
    for ended in jobs:
        assert ended.exit == 0, ended


def _position(device: object, at: object, **others: object) -> str:
    return json.dumps(
        {"device_id": device, "timestamp": at, "latitude": 48.1, "longitude": 11.5, "heading": 9} | others
    )


def _positions(*devices: int) -> str:
    return ", ".join(_position(device, f"{EARLIER[0]}T10:00:00+01:00") for device in devices)


# Of a source that nothing simulates: a document, lines as hubs and gateways write them, and an upload that was cut.
FILES: dict[str, bytes] = {
    "document.json": f"[\n{_positions(1, 2)},\n{_positions(3)}\n]".encode(),
    "hub.jsonl.gz": gzip.compress(f"[{_positions(4, 5)}]\n".encode(), mtime=0),
    "gateway.jsonl": "\r\n".join(
        [
            "\ufeff" + _position("6", 1709632800000),
            _position(7.0, 1709632800),
            _position(8, "soon"),
            _position(9, 1709632800, latitude=91),
            _position(6, 1709632800),
            '{"device_id": 10, "timest',
        ]
    ).encode(),
    "cut.jsonl.gz": gzip.compress(_positions(11).encode(), mtime=0)[:-9],
}


def noisy_device(device: int) -> bytes:
    """More anomalies of one device in one day than are let pass."""
    reading = {
        "device_id": device,
        "metric_name": "temperature",
        "metric_value": 21.5,
        "unit": "celsius",
        "quality_score": 90,
        "is_anomaly": True,
    }
    day = EARLIER[0]
    return "\n".join(
        json.dumps({"reading_id": 9_000_000_000_000 + hour, "timestamp": f"{day} {hour:02}:00:00", **reading})
        for hour in range(12)
    ).encode()


def hot_machine() -> bytes:
    """A machine above the temperature that a rule calls too hot, in a file with its columns the other way round."""
    values = f"99999,1,A06,M1,{EARLIER[0]} 12:00:00,20.0,700.0,1000.0,105.0,100.0,1.0".split(",")
    lines = [",".join(reversed(line)) for line in (SOURCES["machine_sensors"].fields, values)]
    return ("\n".join(lines) + "\n").encode()
