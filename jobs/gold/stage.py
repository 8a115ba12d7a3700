"""The stage itself: which slices of which gold table the night touched, and building them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.tables import SILVER, Table, sources_of
from jobs import schema, store, transformations
from jobs.outcome import TableResult
from jobs.settings import Settings
from jobs.state import accounts, staged_slices

PARALLEL = 3


def run(spark: SparkSession, settings: Settings) -> list[TableResult]:
    """Build every selected gold table's touched slices into staging, and note which they are.

    Touched is what changed in silver since gold was last published, this run's night in any case. Each run
    stages for itself, so that runs may overlap; what others have published leaves staging. Rows of a result:
    rows staged.
    """
    staged = [f"staging.gold_{table.name}" for table in settings.gold]
    schema.ensure(spark, settings, [*staged, staged_slices.TABLE])
    # Before anything is read: publish takes this as the moment up to which the staged rows know of silver.
    staged_at: str = spark.sql("SELECT cast(current_timestamp() AS STRING)").collect()[0][0]
    due = {*settings.nights, *accounts.unpublished_nights(spark, settings)}
    slices = {table.name: sorted(_slices(spark, settings, table, due)) for table in settings.gold}
    replaced = staged_slices.replaced_by(spark, settings)

    def build(table: Table) -> TableResult:
        rows = _frame(spark, settings, table, slices[table.name])
        marked = rows.withColumn("run_id", F.lit(settings.run_id))
        store.replace_where(settings, f"staging.gold_{table.name}", marked, replaced)
        count = store.read_staged(spark, settings, table.name).count()
        return TableResult(f"staging.gold_{table.name}", count, {"slices": len(slices[table.name])})

    with ThreadPoolExecutor(PARALLEL) as pool:
        results = list(pool.map(build, settings.gold))
    staged_slices.stage(spark, settings, slices, staged_at, replaced)
    return results


def _slices(spark: SparkSession, settings: Settings, table: Table, due: set[date]) -> set[date]:
    if table.slice == "night":
        # An earlier night that comes late changes what later nights could look back on.
        return due | accounts.nights_after(spark, settings, min(due))
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
