"""Gold of other nights that comes out different when a run publishes: what changed, and which late rows did it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import functions as F

from catalog.tables import TABLES
from jobs.delta.digests import Digest
from jobs.delta.frames import any_of, is_in
from jobs.delta.lake import Lake
from jobs.state.staged_slices import StagedSlice

TABLE = "ops.restatements"
Slices = Mapping[str, Sequence[StagedSlice]]  # full name of a gold table -> slices of it


@dataclass(frozen=True)
class Restatement:
    """A slice that had been published before, and is different now."""

    table: str
    before: Digest
    after: StagedSlice


def find(recorded: Iterable[Digest], staged: Slices, own: Iterable[date]) -> list[Restatement]:
    """The staged slices, but for the run's `own` nights, whose digest is not the one that was recorded.

    A slice that is published for the first time restates nothing.
    """
    now = {(table, each.slice): each for table, slices in staged.items() for each in slices}
    nights = set(own)
    return [
        Restatement(was.table, was, after)
        for was in recorded
        if was.night not in nights
        and (after := now.get((was.table, was.night)))
        and (after.rows, after.digest) != (was.rows, was.digest)
    ]


def record(lake: Lake, staged: Slices) -> None:
    """Write to `ops.restatements` which of the staged slices are different from what `ops.digests` has.

    Call it before the new digests are recorded; it is safe to repeat.
    """
    nights = {each.slice for slices in staged.values() for each in slices}.difference(lake.settings.nights)
    if not nights:
        return
    recorded = lake.read("ops.digests").where(is_in("table", staged) & is_in("night", nights)).collect()
    before = [Digest(row.table, row.night, row.rows, row.digest) for row in recorded]
    found = find(before, staged, lake.settings.nights)
    if not found:
        return
    rows = [
        (
            lake.settings.run_id,
            lake.settings.night,
            each.table,
            each.after.slice,
            each.before.rows,
            each.after.rows,
            each.before.digest,
            each.after.digest,
            each.after.late_rows,
            each.after.hours,
            None,
        )
        for each in found
    ]
    frame = lake.spark.createDataFrame(rows, TABLES[TABLE].columns)
    these = any_of((F.col("table") == each.table) & (F.col("slice") == each.after.slice) for each in found)
    is_repeated = (F.col("run_id") == lake.settings.run_id) & these
    lake.replace_where(TABLE, frame.withColumn("restated_at", F.current_timestamp()), is_repeated)
