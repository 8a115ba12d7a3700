"""Gold of other nights that comes out different when a run publishes: what changed, and which late rows did it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import functions as F

from catalog.tables import GOLD, SILVER, SOURCES, Source, Table, sources_of
from jobs.day_spans import preceding
from jobs.delta.digests import Digest
from jobs.delta.frames import is_in, union
from jobs.delta.lake import Lake
from jobs.state import accounts

Slices = Mapping[str, list[date]]  # full name of a gold table -> slices of it
Arrived = Mapping[str, Mapping[tuple[date, date | None], int]]  # source -> (night, event date) -> rows
Hours = Mapping[str, Mapping[date, set[int]]]  # source -> event date -> hours (UTC) with rows that arrived


@dataclass(frozen=True)
class Restatement:
    """A slice that had been published before, and is different now; no rows have no digest."""

    table: Table
    slice: date
    before: Digest
    after: Digest | None

    @property
    def window(self) -> dict[Source, set[date]]:
        """The event dates of each source that the slice is made from."""
        # A night looks back on so many days, itself included; the slice of a date on so many before it.
        itself = 1 if self.table.slice == "night" else 0
        return {
            source: preceding([self.slice], max(0, days - itself))
            for source, days in sources_of(self.table).items()
        }

    def late_rows(self, arrived: Arrived) -> dict[str, int]:
        """How many of the rows that have arrived belong into the slice, by source; none are left out."""
        counts = {
            source.name: sum(
                rows
                for (night, day), rows in arrived.get(source.name, {}).items()
                # What a night looks back on is what had arrived by then.
                if (day is None or day in days) and (self.table.slice != "night" or night <= self.slice)
            )
            for source, days in self.window.items()
        }
        return {source: rows for source, rows in counts.items() if rows}

    def hours(self, arrived: Hours) -> list[int]:
        """The hours of the day (UTC) that the rows that have arrived belong to; none of a table without hours."""
        if "hour" not in self.table.column_names:
            return []
        return sorted(
            {hour for source in self.window for hour in arrived.get(source.name, {}).get(self.slice, ())}
        )


def find(
    recorded: Iterable[Digest], published: Iterable[Digest], slices: Slices, own: Iterable[date]
) -> list[Restatement]:
    """The slices, but for the run's `own` nights, whose digest is not the one that was recorded.

    A slice that is published for the first time restates nothing.
    """
    now = {(digest.table, digest.night): digest for digest in published}
    nights = set(own)
    return [
        Restatement(GOLD[was.table.removeprefix("gold.")], was.night, was, now.get((was.table, was.night)))
        for was in recorded
        if was.night in slices.get(was.table, ())
        and was.night not in nights
        and now.get((was.table, was.night)) != was
    ]


def record(lake: Lake, slices: Slices, published: Iterable[Digest], staged_at: str) -> None:
    """Write to `ops.restatements` which of the published slices are different from what `ops.digests` has.

    Late rows are those of nights that gold did not have yet. Call it before the new digests are recorded; it
    is safe to repeat.
    """
    recorded = lake.read("ops.digests").where(is_in("table", slices)).collect()
    before = [Digest(row.table, row.night, row.rows, row.digest) for row in recorded]
    found = find(before, published, slices, lake.settings.nights)
    if not found:
        return
    arrived, hours = _arrived(lake, found, staged_at)
    rows = [
        (
            lake.settings.run_id,
            lake.settings.night,
            each.table.full_name,
            each.slice,
            each.before.rows,
            each.after.rows if each.after else 0,
            each.before.digest,
            each.after.digest if each.after else None,
            each.late_rows(arrived),
            each.hours(hours),
        )
        for each in found
    ]
    frame = lake.spark.createDataFrame(
        rows,
        "run_id STRING, night DATE, table STRING, slice DATE, rows_before BIGINT, rows_after BIGINT, "
        "digest_before STRING, digest_after STRING, late_rows MAP<STRING,BIGINT>, hours ARRAY<INT>",
    ).withColumn("restated_at", F.current_timestamp())
    lake.upsert("ops.restatements", frame, ("run_id", "table", "slice"))


def _arrived(lake: Lake, found: list[Restatement], staged_at: str) -> tuple[Arrived, Hours]:
    """Rows of silver that gold did not have before this run, of the event dates that matter; and their hours."""
    nights = accounts.unpublished_at(lake, staged_at)
    windows: dict[str, set[date]] = {}
    for each in found:
        for source, days in each.window.items():
            windows.setdefault(source.name, set()).update(days)
    frames = []
    for name in windows.keys() & nights.keys():
        silver = SILVER[SOURCES[name].silver]
        rows = lake.read(silver.full_name).where(is_in("_night", nights[name]))
        if silver.is_dated:
            rows = rows.where(is_in("event_date", windows[name]))
        day = F.col("event_date") if silver.is_dated else F.lit(None).cast("date").alias("event_date")
        hour = F.hour("timestamp") if silver.is_dated else F.lit(None).cast("int")
        frames.append(rows.select(F.lit(name).alias("source"), "_night", day, hour.alias("hour")))
    arrived: dict[str, Counter[tuple[date, date | None]]] = defaultdict(Counter)
    hours: dict[str, dict[date, set[int]]] = defaultdict(lambda: defaultdict(set))
    if frames:
        for row in union(frames).groupBy("source", "_night", "event_date", "hour").count().collect():
            arrived[row.source][row._night, row.event_date] += row["count"]
            if row.event_date:
                hours[row.source][row.event_date].add(row.hour)
    return arrived, hours
