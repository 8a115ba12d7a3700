"""The stage itself: which slices of which gold table the night touched, and building them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.tables import SILVER, SLICES, Table, sources_of
from jobs import schema, store, transformations
from jobs.results import TableResult
from jobs.settings import Settings

PARALLEL = 3


def run(spark: SparkSession, settings: Settings) -> list[TableResult]:
    """Build every selected gold table's touched slices into staging, and note which they are.

    Touched is what changed in silver since gold was last published, this run's night in any case. Each run
    stages for itself, so that runs may overlap; what others have published leaves staging. Rows of a result:
    rows staged.
    """
    staged = [f"staging.gold_{table.name}" for table in settings.gold]
    schema.ensure(spark, settings, [*staged, SLICES.full_name])
    # Before anything is read: publish takes this as the moment up to which the staged rows know of silver.
    staged_at: str = spark.sql("SELECT cast(current_timestamp() AS STRING)").collect()[0][0]
    due = _nights_due(spark, settings)
    slices = {table.name: sorted(_slices(spark, settings, table, due)) for table in settings.gold}
    replaced = store.texts("run_id", {settings.run_id, *_finished_runs(spark, settings)})

    def build(table: Table) -> TableResult:
        rows = _frame(spark, settings, table, slices[table.name])
        marked = rows.withColumn("run_id", F.lit(settings.run_id))
        store.replace_where(settings, f"staging.gold_{table.name}", marked, replaced)
        count = store.read_staged(spark, settings, table.name).count()
        return TableResult(f"staging.gold_{table.name}", count, {"slices": len(slices[table.name])})

    with ThreadPoolExecutor(PARALLEL) as pool:
        results = list(pool.map(build, settings.gold))
    _note_slices(spark, settings, slices, staged_at, replaced)
    return results


def _finished_runs(spark: SparkSession, settings: Settings) -> set[str]:
    published = store.read(spark, settings, SLICES.full_name).where("published_at IS NOT NULL")
    return {row.run_id for row in published.select("run_id").distinct().collect()}


def _nights_due(spark: SparkSession, settings: Settings) -> set[date]:
    accounts = (
        store.read(spark, settings, "ops.row_accounts").where("NOT is_published").select("night").distinct()
    )
    return set(settings.nights) | {row.night for row in accounts.collect()}


def _slices(spark: SparkSession, settings: Settings, table: Table, due: set[date]) -> set[date]:
    if table.slice == "night":
        # An earlier night that comes late changes what later nights could look back on.
        accounts = store.read(spark, settings, "ops.row_accounts").where(F.col("night") > min(due))
        return due | {row.night for row in accounts.select("night").distinct().collect()}
    slices: set[date] = set()
    for source, days in sources_of(table).items():
        if SILVER[source.silver].is_dated:
            arrived = store.read(spark, settings, f"silver.{source.silver}").where(store.dates("_night", due))
            touched = arrived.select("event_date").distinct().collect()
            slices |= store.following((row.event_date for row in touched), days)
    return slices


def _frame(spark: SparkSession, settings: Settings, table: Table, slices: list[date]) -> DataFrame:
    if not slices:
        return store.read_staged(spark, settings, table.name).limit(0)
    window = store.dates("event_date", store.preceding(slices, table.days))

    def read(name: str) -> DataFrame:
        rows = store.read(spark, settings, f"silver.{name}")
        # Literal dates let Delta skip the files of all others.
        return rows.where(window) if SILVER[name].is_dated else rows

    build, frames = transformations.get("build", table), [read(name) for name in table.reads]
    if table.slice == "night":
        return build(*frames, spark.createDataFrame([(night,) for night in slices], "night DATE"))
    return build(*frames).where(store.dates(table.slice, slices))


def _note_slices(
    spark: SparkSession, settings: Settings, slices: dict[str, list[date]], staged_at: str, replaced: str
) -> None:
    # The empty slice says that the table was built even when nothing of it was touched.
    rows = [(name, slice_, settings.run_id) for name, nights in slices.items() for slice_ in (None, *nights)]
    noted = spark.createDataFrame(rows, "table STRING, slice DATE, run_id STRING").withColumns(
        {
            "staged_at": F.lit(staged_at).cast("timestamp"),
            "published_at": F.lit(None).cast("timestamp"),
        }
    )
    store.replace_where(settings, SLICES.full_name, noted, replaced)
