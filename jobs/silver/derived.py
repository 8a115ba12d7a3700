"""Derived silver tables: made anew from other silver tables, whole or for the event dates that were touched."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date

from pyspark.sql import DataFrame

from catalog.tables import DERIVED, SILVER, Table, sources_of
from jobs.day_spans import following, preceding
from jobs.delta.frames import is_in
from jobs.delta.lake import Lake
from jobs.silver.pending import PendingBatch
from jobs.state.progress import StepProgress
from jobs.table_functions import table_function, uncut

PARALLEL = 4


def touched_by(batches: Iterable[PendingBatch]) -> dict[Table, set[date]]:
    """The derived tables that read what the batches brought, and the event dates of which their rows may change."""
    days_of = {batch.source: batch.event_dates for batch in batches}
    touched: dict[Table, set[date]] = {}
    for table in DERIVED.values():
        for source, days in sources_of(table).items():
            if source in days_of:
                touched.setdefault(table, set()).update(following(days_of[source], days))
    return touched


def write(
    lake: Lake, touched: Mapping[Table, set[date]], progress: StepProgress
) -> dict[str, Iterable[date] | None]:
    """Write the touched tables side by side, each after those that it reads.

    Gives each table's slices that were written; None for one that was rewritten whole.
    """
    writing: dict[str, Future[list[date] | None]] = {}

    def write_one(table: Table) -> list[date] | None:
        for name in table.reads:
            if name in writing:
                writing[name].result()
        written = _write(lake, table, sorted(touched[table]))
        progress.done(table.full_name)
        return written

    # The catalog names a table after those that it reads, so whoever waits, waits for one that has begun.
    with ThreadPoolExecutor(PARALLEL) as pool:
        for table in touched:
            writing[table.name] = pool.submit(write_one, table)
        return {table.full_name: writing[table.name].result() for table in touched}


def _write(lake: Lake, table: Table, dates: list[date]) -> list[date] | None:
    frames = [_read(lake, table, SILVER[name], dates) for name in table.reads]
    rows = uncut(table_function("derive", table)(*frames), table)
    if table.slice != "event_date":
        lake.overwrite(table.full_name, rows)
        return None
    these = is_in("event_date", dates)
    lake.replace_where(table.full_name, rows.where(these), these)
    return dates


def _read(lake: Lake, table: Table, read: Table, dates: list[date]) -> DataFrame:
    rows = lake.read(read.full_name)
    if table.slice != "event_date" or not read.is_dated:
        return rows
    return rows.where(is_in("event_date", preceding(dates, table.days)))
