"""Nights of the simulated feeds, generated once for all tests; and stages in a test's own lake."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from jobs.generate import fleet
from jobs.generate.arguments import FIRST_NIGHT
from jobs.generate.spark_delivery import delivery
from tests.conftest import new_lake
from tests.simulator.nights import NIGHTS, SEED, parquet
from tests.simulator.reconciled import Reconciled, reconcile
from tests.support.simulated import FEEDS, drawn
from tests.support.stages import accounts, compiled, compiling, deliver, run, table

__all__ = ["accounts", "compiled", "deliver", "run", "table"]

Relation = duckdb.DuckDBPyRelation


@pytest.fixture(scope="session")
def kept(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a frame once; give the folder with its rows as Parquet."""
    home = tmp_path_factory.mktemp("kept")

    def of(name: str, make: Callable[[], DataFrame]) -> Path:
        folder = home / name
        if not (folder / "_SUCCESS").exists():
            with compiling(spark):
                rows = make()
                # Instants without a zone, or DuckDB would show them in the one of this machine.
                zoneless = [
                    F.col(field).cast("timestamp_ntz").alias(field) if kind == "timestamp" else field
                    for field, kind in rows.dtypes
                ]
                rows.select(*zoneless).write.mode("overwrite").parquet(str(folder))
        return folder

    return of


@pytest.fixture(scope="session")
def simulated(spark: SparkSession, kept: Callable[..., Path]) -> Callable[..., Relation]:
    """Rows of a feed's night before anything goes wrong with them: `simulated("readings", TUESDAY, 0.5)`.

    Without a scale, all that are there. The registry says which devices are faulty, too.
    """

    def make(source: str) -> DataFrame:
        rows = drawn(spark, FEEDS[source], NIGHTS[source], SEED)
        if source == "devices":
            return rows.withColumn("_is_faulty", F.expr(fleet.is_faulty(SEED, "device_id")))
        return rows

    def of(source: str, night: date, scale: float | None = None) -> Relation:
        there = NIGHTS[source][night]
        scale = there if scale is None else scale
        assert scale <= there, "a night is to be drawn as large as it is asked for"
        index = (night - FIRST_NIGHT).days
        feed, count = FEEDS[source], FEEDS[source].count(index, scale)
        which = f"row < {count}"
        if feed.is_thinned and count < feed.rows:
            which = f"row IN {(*(number * feed.rows // count for number in range(count)),)}"
        rows = parquet(kept(source, lambda: make(source)))
        return rows.filter(f"night_index = {index} AND {which}")

    return of


@pytest.fixture(scope="session")
def readings(simulated: Callable[..., Relation]) -> Callable[..., Relation]:
    """Readings with the age of their device in days, by the registry, and whether it is faulty."""

    def of(night: date, scale: float) -> Relation:
        registry = simulated("devices", FIRST_NIGHT).project("device_id, install_date, _is_faulty")
        age = "greatest(0, date_diff('day', install_date, timestamp)) AS age"
        return simulated("readings", night, scale).join(registry, "device_id").project(f"*, {age}")

    return of


@pytest.fixture(scope="session")
def delivered(spark: SparkSession) -> Callable[..., list[Row]]:
    """Lines of a feed's delivery, with their keys and the faults that were put in."""

    @cache
    def of(source: str, night: date, scale: float) -> list[Row]:
        with compiling(spark):
            return delivery(spark, FEEDS[source], night, scale, SEED).collect()

    return of


@pytest.fixture(scope="session")
def reconciled(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reconciled]:
    """A night in silver."""
    with new_lake(spark, tmp_path_factory.mktemp("reconciled")) as lake:
        yield reconcile(spark, lake)
