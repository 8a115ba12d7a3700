"""Stage `publish`: what staging holds and the check has passed becomes gold."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from pyspark.sql import SparkSession

from catalog.tables import GOLD, SOURCES, Table, sources_of
from jobs import schema, store
from jobs.files import write_lines
from jobs.flat_files import csv_lines
from jobs.gold import restatements
from jobs.outcome import TableResult
from jobs.settings import Settings
from jobs.state import accounts, staged_slices
from jobs.store import Digest

PARALLEL = 3
EXPORT = "iot_gold_export.csv"


def run(spark: SparkSession, settings: Settings) -> list[TableResult]:
    """Replace the staged slices of every selected gold table, each table in one atomic commit.

    A slice that a run has published which staged it later is left as it is. Slices of other nights that come
    out different are noted in `ops.restatements`. Safe to repeat. Rows of a result: rows published.

    Raises JobError when this run has staged nothing.
    """
    known = ("ops.digests", "ops.restatements", accounts.TABLE)
    schema.ensure(spark, settings, [*(table.full_name for table in settings.gold), *known])
    slices, staged_at = staged_slices.staged(spark, settings)
    with ThreadPoolExecutor(PARALLEL) as pool:
        published = list(
            pool.map(lambda table: _publish(spark, settings, table, slices[table.name]), settings.gold)
        )
    by_name = {table.full_name: slices[table.name] for table in settings.gold if slices[table.name]}
    digests = [digest for found in published for digest in found]
    restatements.record(spark, settings, by_name, digests, staged_at)
    store.record_digests(spark, settings, by_name, digests)
    if "climate_hourly" in settings.tables:
        _export(spark, settings)
    staged_slices.publish(spark, settings, slices, staged_at)
    accounts.publish(spark, settings, _sources_done(settings), staged_at)
    return [
        TableResult(table.full_name, sum(digest.rows for digest in found))
        for table, found in zip(settings.gold, published, strict=True)
    ]


def _publish(spark: SparkSession, settings: Settings, table: Table, slices: list[date]) -> list[Digest]:
    """Replace a table's slices by those staged; give the digests of what is published now."""
    if not slices:
        return []
    these = store.dates(table.slice, slices)
    rows = store.read_staged(spark, settings, table.name).where(these)
    store.replace_where(settings, table.full_name, rows, these)
    return store.digests(spark, settings, table.full_name, slices)


def _sources_done(settings: Settings) -> list[str]:
    """The sources all of whose gold tables this run publishes."""
    left_out = [sources_of(table) for name, table in GOLD.items() if name not in settings.tables]
    return [name for name, source in SOURCES.items() if not any(source in sources for sources in left_out)]


def _export(spark: SparkSession, settings: Settings) -> None:
    """Write `gold.climate_hourly` to one CSV file that spreadsheets may open without fear."""
    hours = store.read(spark, settings, "gold.climate_hourly").orderBy("hour", "location")
    write_lines(settings.home / "export" / EXPORT, csv_lines(hours))
