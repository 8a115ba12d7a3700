"""Which rows of each table a check validates: what any run may publish next, and what arrived in the run's nights."""

from collections.abc import Iterable, Mapping
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import DERIVED, STREAMS, sources_of
from jobs.delta.frames import is_in
from jobs.delta.lake import Lake
from jobs.gold import arrivals
from jobs.silver import pending
from jobs.state import accounts
from jobs.state.staged_slices import Staged
from jobs.state.surveys import Survey

Reconciled = Mapping[str, Mapping[date, int]]  # source -> night -> bronze rows by its account


def gold(lake: Lake, staged: Staged) -> dict[str, DataFrame]:
    """What this run has staged, by suite name."""
    return {table.full_name: staged.rows(table) for table in lake.settings.gold}


def silver(lake: Lake, survey: Survey) -> dict[str, DataFrame]:
    """Rows of the run's nights and those that gold does not have yet, by suite name.

    Of a derived table by event date, what these may have changed: a row of it may be of another night than theirs.
    """
    due = {source: set(nights) for source, nights in survey.unpublished.items()}
    arrived = {
        f"silver.{source.silver}": _of_nights(lake, f"silver.{source.silver}", due.get(source.name, set()))
        for source in lake.settings.sources
    }
    derived = [
        table
        for table in DERIVED.values()
        if not lake.settings.tables.isdisjoint(source.name for source in sources_of(table))
    ]
    dated = [table for table in derived if table.slice == "event_date"]
    read = [
        table for table in dated if all(lake.exists(f"silver.{each.silver}") for each in sources_of(table))
    ]
    nights = set(lake.settings.nights).union(*survey.unpublished.values())
    dates = arrivals.find(lake, read, nights, survey.unpublished).dates
    for table in derived:
        # A table that is rewritten whole belongs to every night.
        rows = lake.read(table.full_name)
        is_touched = is_in("event_date", arrivals.touched(table, dates)) if table in dated else F.lit(True)
        arrived[table.full_name] = rows.where(is_touched)
    return arrived


def reconciled(lake: Lake) -> Reconciled:
    """The other nights of each selected source that are reconciled."""
    nights = accounts.known(lake).reconciled
    own = lake.settings.nights
    return {
        source.name: {night: rows for night, rows in nights.get(source.name, {}).items() if night not in own}
        for source in lake.settings.sources
    }


def bronze(lake: Lake, others: Reconciled) -> dict[str, DataFrame]:
    """Rows of the run's nights and of those that are not reconciled, by suite name; and what streams wrote."""
    landed = {
        f"bronze.{source.name}": _landed(lake, source.name, ~is_in("_night", others[source.name]))
        for source in lake.settings.sources
    }
    return landed | _streamed(lake)


def changed(
    lake: Lake, others: Reconciled, rows: Mapping[str, int], existing: Mapping[str, int]
) -> dict[str, DataFrame]:
    """The slices of `bronze` anew, where a reconciled night is not as its account says: silver will take it in.

    `rows` are the sizes of these slices, `existing` those of the tables. Whatever else a table holds should be in the
    accounts.
    """
    uneven = {
        source: f"bronze.{source}"
        for source, nights in others.items()
        if existing[f"bronze.{source}"] != rows[f"bronze.{source}"] + sum(nights.values())
    }
    nights = {batch.source.name: batch.nights for batch in pending.find(lake)} if uneven else {}
    return {
        name: _landed(lake, source, is_in("_night", {*lake.settings.nights, *nights.get(source, [])}))
        for source, name in uneven.items()
    }


def _of_nights(lake: Lake, name: str, others: Iterable[date] = ()) -> DataFrame:
    """Return the rows of a table that arrived in the run's nights or in some others."""
    return lake.read(name).where(is_in("_night", {*lake.settings.nights, *others}))


def _landed(lake: Lake, source: str, is_due: Column) -> DataFrame:
    rows = lake.read(f"bronze.{source}").where(is_due)
    # Examples of what was found are counted by value, which no variant can be.
    return rows.withColumn("_rescued", F.expr("to_json(_rescued)"))


def _streamed(lake: Lake) -> dict[str, DataFrame]:
    """Return, by suite name, the rows that streams wrote straight to Delta tables; selected sources or not.

    No other stage of a night reads them, so this is the only check of them.
    """
    names = [f"bronze.{name}" for name in STREAMS]
    return {name: _of_nights(lake, name) for name in names if lake.exists(name)}
