"""The stage itself: which slices of which gold table the night touched, and building them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import SILVER, Table, sources_of
from jobs import transformations
from jobs.day_spans import following, preceding
from jobs.delta import sql
from jobs.delta.lake import Lake
from jobs.outcome import TableResult
from jobs.state import accounts, staged_slices

PARALLEL = 3


def run(lake: Lake) -> list[TableResult]:
    """Build every selected gold table's touched slices into staging, and note which they are.

    Touched is what changed in silver since gold was last published, this run's night in any case. Each run
    stages for itself, so that runs may overlap; what others have published leaves staging. Rows of a result:
    rows staged.
    """
    staged = [f"staging.gold_{table.name}" for table in lake.settings.gold]
    lake.ensure([*staged, staged_slices.TABLE])
    # Before anything is read: publish takes this as the moment up to which the staged rows know of silver.
    staged_at: str = lake.spark.sql("SELECT cast(current_timestamp() AS STRING)").collect()[0][0]
    due = {*lake.settings.nights, *accounts.unpublished_nights(lake)}
    slices = {table.name: sorted(_slices(lake, table, due)) for table in lake.settings.gold}
    replaced = staged_slices.replaced_by(lake)

    def build(table: Table) -> TableResult:
        rows = _frame(lake, table, slices[table.name])
        marked = rows.withColumn("run_id", F.lit(lake.settings.run_id))
        lake.replace_where(f"staging.gold_{table.name}", marked, replaced)
        count = lake.read_staged(table.name).count()
        return TableResult(f"staging.gold_{table.name}", count, {"slices": len(slices[table.name])})

    with ThreadPoolExecutor(PARALLEL) as pool:
        results = list(pool.map(build, lake.settings.gold))
    staged_slices.stage(lake, slices, staged_at, replaced)
    return results


def _slices(lake: Lake, table: Table, due: set[date]) -> set[date]:
    if table.slice == "night":
        # An earlier night that comes late changes what later nights could look back on.
        return due | accounts.nights_after(lake, min(due))
    slices: set[date] = set()
    for source, days in sources_of(table).items():
        if SILVER[source.silver].is_dated:
            arrived = lake.read(f"silver.{source.silver}").where(sql.dates("_night", due))
            touched = arrived.select("event_date").distinct().collect()
            slices |= following((row.event_date for row in touched), days)
    return slices


def _frame(lake: Lake, table: Table, slices: list[date]) -> DataFrame:
    if not slices:
        return lake.read_staged(table.name).limit(0)
    window = sql.dates("event_date", preceding(slices, table.days))

    def read(name: str) -> DataFrame:
        rows = lake.read(f"silver.{name}")
        # Literal dates let Delta skip the files of all others.
        return rows.where(window) if SILVER[name].is_dated else rows

    build, frames = transformations.get("build", table), [read(name) for name in table.reads]
    if table.slice == "night":
        return build(*frames, lake.spark.createDataFrame([(night,) for night in slices], "night DATE"))
    return build(*frames).where(sql.dates(table.slice, slices))
