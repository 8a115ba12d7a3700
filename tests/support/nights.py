"""Whole nights in this process, and what landed for them brought into another lake instead of made again."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from catalog.tables import GOLD, selection
from jobs import runner
from jobs.delta.frames import union
from jobs.delta.lake import Lake
from jobs.generate.arguments import FIRST_NIGHT
from jobs.gold import partial
from jobs.iceberg import catalogs

D5, D6 = date(2024, 3, 5), date(2024, 3, 6)
# Gold of each kind (by event date, in parts, by night, of the registry, of two sources, of a derived table that looks
# back), what it is made from, and a source with variants. tests/spark/parity has every table.
MOST = selection(
    [
        "sensor_hourly",
        "climate_hourly",
        "device_health",
        "device_anomalies",
        "site_events",
        "alerts",
        "defect_rates",
        "failure_predictions",
        "iot_events",
    ]
)
# Made where a model predicts; none has been trained in these nights.
IDLE = frozenset({"failure_predictions"})
# Sources, and one gold table of each kind: by night, which is of the registry, and by event date.
FEW = frozenset({"devices", "device_changes", "sensor_logs", "device_health", "climate_hourly"})

SettingsOf = Callable[..., object]
Digests = dict[tuple[str, date], tuple[int, str]]
Files = dict[tuple[str, date], set[str]]


@dataclass(frozen=True)
class Nights:
    """A lake with nights 5 and 6, whose stages mixed; then night 6 was run once more.

    Tests only read it, or work on other nights of it.
    """

    lake: SettingsOf
    first: Digests  # of night 5 by itself
    first_files: Files
    due: set[tuple[str, date]]  # source and night, once night 5 was published
    due_at_last: set[tuple[str, date]]
    digests: Digests  # of both
    digests_again: Digests  # after the second run of night 6
    again: dict[str, list]  # stage -> results of that run


def two_nights(spark: SparkSession, lake: SettingsOf) -> Nights:
    """Run them: night 6 reconciles its rows between the staging and the publishing of night 5.

    Whatever is published is copied to Iceberg.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(catalogs.VARIABLE, catalogs.SQLITE)
        return _two_nights(spark, lake)


def _two_nights(spark: SparkSession, lake: SettingsOf) -> Nights:

    def run(night: date, *stages: str, **overrides: object) -> dict[str, list]:
        given = {"tables": MOST, **overrides}
        return {stage: run_stage(spark, lake, stage, night, **given) for stage in stages}

    run(D5, "generate", "bronze", "silver", "gold")
    silver = digests(spark, lake)
    run(D6, "generate", "bronze", "silver")
    run(D5, "publish")
    gold = {slice_: found for slice_, found in digests(spark, lake).items() if slice_[0].startswith("gold.")}
    first_files, left = files(spark, lake), due(spark, lake)
    with pytest.MonkeyPatch.context() as patched:
        # As if there were a hundred times as many rows, the late ones restate parts of night 5.
        patched.setattr(partial, "LEAST", 0)
        run(D6, "gold", "publish")
    both = digests(spark, lake)
    again = run(D6, "generate", "bronze", "silver", run_id="again")
    again |= run(D6, "gold", "publish", run_id="again", tables=FEW)
    at_last = due(spark, lake), both, digests(spark, lake), again
    return Nights(lake, silver | gold, first_files, left, *at_last)


def due(spark: SparkSession, lake: SettingsOf) -> set[tuple[str, date]]:
    """Source and night of each account that not all of gold has."""
    rows = spark.table(lake("verify").table("ops.row_accounts")).where("NOT is_published").collect()
    return {(row.source, row.night) for row in rows}


def run_stage(spark: SparkSession, lake: SettingsOf, stage: str, night: date, **overrides: object) -> list:
    """Run one stage in this process, by default as the run `night-<night>`."""
    settings = lake(stage, **{"night": night, "run_id": f"night-{night}", **overrides})
    return runner.stage(stage)(Lake(spark, settings))


def digests(spark: SparkSession, lake: SettingsOf) -> Digests:
    """What `ops.digests` says of each table and slice."""
    rows = spark.table(lake("verify").table("ops.digests")).collect()
    return {(row.table, row.night): (row.rows, row.digest) for row in rows}


def files(spark: SparkSession, lake: SettingsOf) -> Files:
    """The data files of each slice of gold, in which a partition that is written anew has others."""
    frames = [
        spark.table(lake("verify").table(table.full_name)).select(
            F.lit(name).alias("table"), F.col(table.slice).alias("slice"), "_metadata.file_path"
        )
        for name, table in GOLD.items()
        if name in MOST
    ]
    found: Files = {}
    for row in union(frames).distinct().collect():
        found.setdefault((row.table, row.slice), set()).add(row.file_path)
    return found


def bring(nights: Nights, lake: SettingsOf, night: date, tables: Iterable[str]) -> None:
    """Land for a night in another lake what `generate` landed in that of the nights; nothing twice."""
    source, target = nights.lake("bronze").landing, lake("bronze").landing
    for table in tables:
        # The first load of the fleet belongs to each night, whichever comes first.
        for day in (FIRST_NIGHT, night):
            landed = source / table / f"arrived={day}"
            if landed.exists() and not (target / table / landed.name).exists():
                shutil.copytree(landed, target / table / landed.name)
