"""Stage `publish`: what staging holds and the check has passed becomes gold."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import store
from jobs.results import JobError, TableResult, write_atomically
from jobs.settings import Settings
from jobs.store import Digest
from jobs.tables import GOLD, SLICES, SOURCES, Table

PARALLEL = 3
EXPORT = "iot_gold_export.csv"


def run(spark: SparkSession, settings: Settings) -> list[TableResult]:
    """Replace the staged slices of every selected gold table, each table in one atomic commit.

    Safe to repeat. Rows of a result: rows published.

    Raises JobError when staging does not hold this run's rows.
    """
    store.ensure(spark, settings, [*(table.full_name for table in settings.gold), "ops.digests"])
    slices = _staged_slices(spark, settings)
    with ThreadPoolExecutor(PARALLEL) as pool:
        published = list(
            pool.map(lambda table: _publish(spark, settings, table, slices[table.name]), settings.gold)
        )
    by_name = {table.full_name: slices[table.name] for table in settings.gold}
    store.record_digests(spark, settings, by_name, [digest for found in published for digest in found])
    if "climate_hourly" in settings.tables:
        _export(spark, settings)
    _mark_published(spark, settings)
    return [
        TableResult(name, sum(digest.rows for digest in found))
        for name, found in zip(by_name, published, strict=True)
    ]


def _staged_slices(spark: SparkSession, settings: Settings) -> dict[str, list[date]]:
    staged = store.read(spark, settings, SLICES.full_name).collect()
    others = {row.run_id for row in staged} - {settings.run_id}
    if others or not staged:
        holds = f"what run {min(others)} staged" if others else "nothing"
        raise JobError(
            f"staging holds {holds}, not run {settings.run_id}; run `gold` and `check --layer gold` first"
        )
    return {
        table.name: [row.slice for row in staged if row.table == table.name and row.slice]
        for table in settings.gold
    }


def _publish(spark: SparkSession, settings: Settings, table: Table, slices: list[date]) -> list[Digest]:
    """Replace a table's slices by those staged; give the digests of what is published now."""
    rows = store.read(spark, settings, f"staging.{table.name}")
    store.replace_where(settings, table.full_name, rows, store.dates(table.slice, slices))
    return store.digests(spark, settings, table.full_name, slices)


def _mark_published(spark: SparkSession, settings: Settings) -> None:
    """Take the sources all of whose gold tables were published off the list of what is due."""
    done = [
        name
        for name in SOURCES
        if all(table.name in settings.tables for table in GOLD.values() if name in table.reads)
    ]
    names = ", ".join(f"'{name}'" for name in done)
    accounts = settings.table("ops.row_accounts")
    spark.sql(f"UPDATE {accounts} SET is_published = true WHERE NOT is_published AND source IN ({names})")


def _export(spark: SparkSession, settings: Settings) -> None:
    """Write `gold.climate_hourly` to one CSV file that spreadsheets may open without fear."""
    hours = store.read(spark, settings, "gold.climate_hourly").orderBy("hour", "location")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(hours.columns)
    for row in hours.select([F.col(name).cast("string") for name in hours.columns]).toLocalIterator():
        writer.writerow([_harmless(value) for value in row])
    write_atomically(settings.home / "export" / EXPORT, text.getvalue())


def _harmless(value: str | None) -> str | None:
    # A spreadsheet takes a text that begins like this for a formula; a negative number is none.
    is_formula = value is not None and value[:1] in "=+-@\t\r" and not _is_number(value)
    return f"'{value}" if is_formula else value


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
