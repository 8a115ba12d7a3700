"""What arrived in silver that gold does not have yet: which slices it touches, and how many late rows each has."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import SILVER, Source, Table, sources_of
from jobs.day_spans import following, preceding
from jobs.delta.frames import is_in, union
from jobs.delta.lake import Lake
from jobs.state.accounts import Nights

Late = Mapping[str, Mapping[tuple[date, date | None], int]]  # source -> (night, event date) -> rows
Hours = Mapping[str, Mapping[date, set[int]]]  # source -> event date -> hours (UTC) with late rows


@dataclass
class Arrivals:
    """What arrived in some nights, by source; late is what gold does not have yet."""

    dates: dict[str, set[date]] = field(default_factory=lambda: defaultdict(set))  # event dates
    late: dict[str, Counter[tuple[date, date | None]]] = field(default_factory=lambda: defaultdict(Counter))
    hours: dict[str, dict[date, set[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )


def find(
    lake: Lake, tables: Collection[Table], nights: Collection[date], unpublished: Mapping[str, Nights]
) -> Arrivals:
    """What arrived in some nights of the sources that gold tables are made from, in one query.

    Hours are those of other days than the run's nights, which alone can be restated.
    """
    found = Arrivals()
    for source, lost in unpublished.items():
        found.dates[source].update(*lost.values())
    sources = {source for table in tables for source in sources_of(table)}
    if not sources:
        return found
    rows = union(_rows(lake, source, nights) for source in sources)
    for row in rows.groupBy("source", "_night", "event_date", "hour").count().collect():
        is_due = row._night in unpublished.get(row.source, ())
        if row.event_date and (is_due or row._night in lake.settings.nights):
            found.dates[row.source].add(row.event_date)
        if is_due:
            found.late[row.source][row._night, row.event_date] += row["count"]
            if row.hour is not None:
                found.hours[row.source][row.event_date].add(row.hour)
    return found


def all_dates(lake: Lake, tables: Collection[Table]) -> dict[str, set[date]]:
    """The event dates of which silver has rows, by source, of the sources that gold tables are made from; one query."""
    sources = {source for table in tables for source in sources_of(table) if SILVER[source.silver].is_dated}
    found: dict[str, set[date]] = defaultdict(set)
    if sources:
        rows = union(
            lake.read(f"silver.{source.silver}").select(F.lit(source.name).alias("source"), "event_date")
            for source in sources
        )
        for row in rows.where("event_date IS NOT NULL").distinct().collect():
            found[row.source].add(row.event_date)
    return found


def _rows(lake: Lake, source: Source, nights: Collection[date]) -> DataFrame:
    silver = SILVER[source.silver]
    day, hour = F.lit(None).cast("date"), F.lit(None).cast("int")
    if silver.is_dated:
        day = F.col("event_date")
        hour = F.when(~is_in("event_date", lake.settings.nights), F.hour("timestamp"))
    rows = lake.read(silver.full_name).where(is_in("_night", nights))
    return rows.select(
        F.lit(source.name).alias("source"), "_night", day.alias("event_date"), hour.alias("hour")
    )


def touched(table: Table, dates: Mapping[str, Collection[date]]) -> set[date]:
    """The slices of a table by event date that rows of these dates, by source, touch."""
    spans = (following(dates.get(source.name, ()), days) for source, days in sources_of(table).items())
    return set[date]().union(*spans)


def late_rows(table: Table, slice_: date, late: Late) -> dict[str, int]:
    """How many of the late rows belong into a slice, by source; none are left out."""
    counts = {
        source.name: sum(
            rows
            for (night, day), rows in late.get(source.name, {}).items()
            # What a night looks back on is what had arrived by then.
            if (day is None or day in days) and (table.slice != "night" or night <= slice_)
        )
        for source, days in _window(table, slice_).items()
    }
    return {source: rows for source, rows in counts.items() if rows}


def late_hours(table: Table, slice_: date, hours: Hours) -> list[int]:
    """The hours of the day (UTC) that the late rows of a slice belong to; none of a table without hours."""
    if "hour" not in table.column_names:
        return []
    return sorted(
        {hour for source in sources_of(table) for hour in hours.get(source.name, {}).get(slice_, ())}
    )


def _window(table: Table, slice_: date) -> dict[Source, set[date]]:
    """The event dates of each source that a slice is made from."""
    # A night looks back on so many days, itself included; the slice of a date on so many before it.
    itself = 1 if table.slice == "night" else 0
    return {source: preceding([slice_], max(0, days - itself)) for source, days in sources_of(table).items()}
