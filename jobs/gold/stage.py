"""The stage itself: which slices of which gold table the night touched, and building them."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import SILVER, SOURCES, Source, Table, sources_of
from jobs.day_spans import following, preceding
from jobs.delta.frames import is_in, rows_of, union
from jobs.delta.lake import Lake
from jobs.outcome import TableResult
from jobs.state import accounts, staged_slices
from jobs.table_functions import table_function

PARALLEL = 3


def run(lake: Lake) -> list[TableResult]:
    """Build every selected gold table's touched slices into staging, and keep which they are.

    Touched is what changed in silver since gold was last published, this run's night in any case. Each run
    stages for itself, so that runs may overlap; what others have published leaves staging. Rows of a result:
    rows staged.
    """
    staged = [f"staging.gold_{table.name}" for table in lake.settings.gold]
    lake.ensure([*staged, staged_slices.TABLE])
    # Before anything is read: publish takes this as the moment up to which the staged rows know of silver.
    staged_at: str = lake.spark.sql("SELECT cast(current_timestamp() AS STRING)").collect()[0][0]
    unpublished = accounts.unpublished(lake)
    due = set(lake.settings.nights).union(*unpublished.values())
    slices = _touched(lake, due, unpublished)
    replaced = staged_slices.is_replaced(lake)

    def build(table: Table) -> None:
        rows = _frame(lake, table, slices[table.name])
        marked = rows.withColumn("run_id", F.lit(lake.settings.run_id))
        lake.replace_where(f"staging.gold_{table.name}", marked, replaced)

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(build, lake.settings.gold))
    staged_slices.stage(lake, slices, staged_at, replaced)
    rows = rows_of({table.name: lake.read_staged(table.name) for table in lake.settings.gold})
    return [
        TableResult(f"staging.gold_{name}", rows[name], {"slices": len(days)})
        for name, days in slices.items()
    ]


def _touched(lake: Lake, due: set[date], unpublished: Mapping[str, accounts.Nights]) -> dict[str, list[date]]:
    """The slices of each selected gold table that what arrived in the due nights touches, and what they lost."""
    arrived = _event_dates(lake, due)
    for source, days in arrived.items():
        days.update(*unpublished.get(source.name, {}).values())
    slices: dict[str, list[date]] = {}
    for table in lake.settings.gold:
        if table.slice == "night":
            # An earlier night that comes late changes what later nights could look back on.
            touched = due | accounts.nights_after(lake, min(due))
        else:
            spans = [following(arrived[source], days) for source, days in sources_of(table).items()]
            touched = set().union(*spans)
        slices[table.name] = sorted(touched)
    return slices


def _event_dates(lake: Lake, due: set[date]) -> dict[Source, set[date]]:
    """The event dates of the silver rows that arrived in some nights, by source; one query for all sources."""
    sources = {source for table in lake.settings.gold for source in sources_of(table)}
    found: dict[Source, set[date]] = {source: set() for source in sources}
    frames = [
        lake.read(f"silver.{source.silver}")
        .where(is_in("_night", due))
        .select(F.lit(source.name).alias("source"), "event_date")
        for source in sources
        if SILVER[source.silver].is_dated
    ]
    for row in union(frames).distinct().collect() if frames else []:
        found[SOURCES[row.source]].add(row.event_date)
    return found


def _frame(lake: Lake, table: Table, slices: list[date]) -> DataFrame:
    if not slices:
        return lake.read_staged(table.name).limit(0)
    window = is_in("event_date", preceding(slices, table.days))

    def read(name: str) -> DataFrame:
        rows = lake.read(f"silver.{name}")
        # Literal dates let Delta skip the files of all others.
        return rows.where(window) if SILVER[name].is_dated else rows

    build, frames = table_function("build", table), [read(name) for name in table.reads]
    if table.slice == "night":
        return build(*frames, lake.spark.createDataFrame([(night,) for night in slices], "night DATE"))
    return build(*frames).where(is_in(table.slice, slices))
