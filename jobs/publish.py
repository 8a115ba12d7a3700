"""Stage `publish`: what staging holds and the check has passed becomes gold."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from catalog.tables import GOLD, SLICES, SOURCES, Table, sources_of
from jobs import restatements, schema, store
from jobs.flat_files import csv_lines
from jobs.results import JobError, TableResult, write_lines
from jobs.settings import Settings
from jobs.store import Digest

PARALLEL = 3
EXPORT = "iot_gold_export.csv"


def run(spark: SparkSession, settings: Settings) -> list[TableResult]:
    """Replace the staged slices of every selected gold table, each table in one atomic commit.

    A slice that a run has published which staged it later is left as it is. Slices of other nights that come
    out different are noted in `ops.restatements`. Safe to repeat. Rows of a result: rows published.

    Raises JobError when this run has staged nothing.
    """
    known = ("ops.digests", "ops.restatements", "ops.row_accounts")
    schema.ensure(spark, settings, [*(table.full_name for table in settings.gold), *known])
    slices, staged_at = _staged_slices(spark, settings)
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
    _mark_published(spark, settings, slices, staged_at)
    return [
        TableResult(table.full_name, sum(digest.rows for digest in found))
        for table, found in zip(settings.gold, published, strict=True)
    ]


def _staged_slices(spark: SparkSession, settings: Settings) -> tuple[dict[str, list[date]], str]:
    """Slices that this run has staged and no later one has published, and when it staged them (UTC)."""
    noted = store.read(spark, settings, SLICES.full_name).where(F.col("run_id") == settings.run_id)
    staged = noted.withColumn("staged_at", F.col("staged_at").cast("string")).collect()
    if not staged:
        raise JobError(
            f"run {settings.run_id} has staged nothing, or another has cleared it away since it was published; "
            "run `gold` and `check --layer gold` first"
        )
    slices = {
        table.name: [row.slice for row in staged if row.table == table.name and row.slice]
        for table in settings.gold
    }
    return slices, staged[0].staged_at


def _publish(spark: SparkSession, settings: Settings, table: Table, slices: list[date]) -> list[Digest]:
    """Replace a table's slices by those staged; give the digests of what is published now."""
    if not slices:
        return []
    these = store.dates(table.slice, slices)
    rows = store.read_staged(spark, settings, table.name).where(these)
    store.replace_where(settings, table.full_name, rows, these)
    return store.digests(spark, settings, table.full_name, slices)


def _mark_published(
    spark: SparkSession, settings: Settings, slices: dict[str, list[date]], staged_at: str
) -> None:
    """Note what was published, and take the sources all of whose gold tables were off the list of what is due.

    An account that was settled after this run staged stays due: its rows are not in what was published.
    """
    noted = settings.table(SLICES.full_name)
    these = " OR ".join(
        f"(`table` = '{name}' AND {store.dates('slice', nights)})" for name, nights in slices.items()
    )
    # What an older run has staged of these slices knows less of silver and must not come after.
    spark.sql(
        f"DELETE FROM {noted} WHERE run_id <> '{settings.run_id}' AND staged_at < '{staged_at}' AND ({these})"
    )
    spark.sql(f"UPDATE {noted} SET published_at = current_timestamp() WHERE run_id = '{settings.run_id}'")
    left_out = [sources_of(table) for name, table in GOLD.items() if name not in settings.tables]
    done = [name for name, source in SOURCES.items() if not any(source in sources for sources in left_out)]
    names = ", ".join(f"'{name}'" for name in done)
    accounts = settings.table("ops.row_accounts")
    spark.sql(
        f"UPDATE {accounts} SET is_published = true "
        f"WHERE NOT is_published AND settled_at <= '{staged_at}' AND source IN ({names})"
    )


def _export(spark: SparkSession, settings: Settings) -> None:
    """Write `gold.climate_hourly` to one CSV file that spreadsheets may open without fear."""
    hours = store.read(spark, settings, "gold.climate_hourly").orderBy("hour", "location")
    write_lines(settings.home / "export" / EXPORT, csv_lines(hours))
