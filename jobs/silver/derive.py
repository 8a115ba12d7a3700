"""Derived silver tables: made anew from other silver tables, whole or for the event dates that were touched."""

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame

from catalog.tables import DERIVED, SILVER, Table, sources_of
from jobs import transformations
from jobs.day_spans import following, preceding
from jobs.delta import sql
from jobs.delta.digests import Digest
from jobs.delta.lake import Lake
from jobs.silver.settle import PARALLEL, Claim


@dataclass(frozen=True)
class Derived:
    """What became of a derived table: its slices (None: all of them) and their digests."""

    table: str
    slices: list[date] | None
    digests: list[Digest]


def touched_by(claims: Iterable[Claim]) -> dict[Table, set[date]]:
    """The derived tables that read what the claims brought, and the event dates of which their rows may change."""
    rows = {claim.source: claim.event_dates for claim in claims if not claim.is_empty}
    touched: dict[Table, set[date]] = {}
    for table in DERIVED.values():
        for source, days in sources_of(table).items():
            if source in rows:
                touched.setdefault(table, set()).update(following(rows[source], days))
    return touched


def derive(lake: Lake, touched: dict[Table, set[date]]) -> list[Derived]:
    """Write the touched tables side by side, each after those that it reads."""
    making: dict[str, Future[Derived]] = {}

    def make(table: Table) -> Derived:
        for name in table.reads:
            if name in making:
                making[name].result()
        return _write(lake, table, sorted(touched[table]))

    # The catalog names a table after those that it reads, so whoever waits, waits for one that has begun.
    with ThreadPoolExecutor(PARALLEL) as pool:
        for table in touched:
            making[table.name] = pool.submit(make, table)
        return [made.result() for made in making.values()]


def _write(lake: Lake, table: Table, dates: list[date]) -> Derived:
    frames = [_read(lake, table, SILVER[name], dates) for name in table.reads]
    rows = transformations.get("derive", table)(*frames)
    if table.slice != "event_date":
        lake.overwrite(table.full_name, rows)
        return Derived(table.full_name, None, lake.digests(table.full_name))
    these = sql.dates("event_date", dates)
    lake.replace_where(table.full_name, rows.where(these), these)
    return Derived(table.full_name, dates, lake.digests(table.full_name, dates))


def _read(lake: Lake, table: Table, read: Table, dates: list[date]) -> DataFrame:
    rows = lake.read(read.full_name)
    if table.slice != "event_date" or not read.is_dated:
        return rows
    return rows.where(sql.dates("event_date", preceding(dates, table.days)))
