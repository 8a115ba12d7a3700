"""The staged slices of gold, `staging.gold_slices`: which slices of which gold table each run has built.

The only module that reads or writes that table; `jobs.state` says what becomes of a slice. The rows of the slices
are files, in the folder of `jobs.delta.staging` that the table names.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import SLICES, Table
from jobs.delta.frames import any_of, is_in
from jobs.delta.lake import Lake
from jobs.delta.staging import Staging
from jobs.errors import JobError

TABLE = SLICES.full_name
LEFT = "left_out"


@dataclass(frozen=True)
class StagedSlice:
    """A slice as it was staged: its rows and digest once published, and which late rows changed one that was before."""

    slice: date
    rows: int
    digest: str | None  # none without rows
    late_rows: Mapping[str, int]  # by source
    hours: Sequence[int]  # of the day (UTC) that have late rows, of a table by the hour
    parts: Sequence[str] | None = None  # those that were made anew; None for the whole slice
    code: str | None = None  # a hash of what it was built by


@dataclass(frozen=True)
class Beginning:
    """What a run has to know as it begins to stage."""

    moment: str  # UTC
    is_repeated: bool  # whether this run has staged before
    kept: Collection[str]  # folders of other runs that have not published what they have staged


def begin(lake: Lake) -> Beginning:
    """Look at what is staged, before silver is read."""
    is_done, is_slice = F.col("published_at").isNotNull(), F.col("slice").isNotNull()
    columns = F.collect_set(
        F.struct("run_id", "folder", is_done.alias("is_done"), is_slice.alias("is_slice"))
    )
    now = F.current_timestamp().cast("string")
    moment, found = lake.spark.range(1).select(now, lake.read(TABLE).agg(columns).scalar()).collect()[0]
    over = {lake.settings.run_id, *(each.run_id for each in found if each.is_done)}
    kept = {each.folder for each in found if each.run_id not in over and each.folder and each.is_slice}
    return Beginning(moment, any(each.run_id == lake.settings.run_id for each in found), kept)


def stage(
    lake: Lake,
    staged: Mapping[str, Iterable[StagedSlice]],
    beginning: Beginning,
    folder: str,
    left_out: Mapping[str, Sequence[date]],
) -> None:
    """Keep which slices of which gold table this run has staged, in which folder, and when it began to.

    `left_out` has the tables that may lack slices, with those that are left to another run.
    """
    run_id = lake.settings.run_id
    # The empty slice says that the table was built even when nothing of it was touched.
    names = [field.name for field in fields(StagedSlice)]
    rows: list[tuple[Any, ...]] = [
        (name, run_id, *[None] * len(names), left_out.get(name)) for name in staged
    ]
    rows += [
        (name, run_id, *[getattr(each, field) for field in names], None)
        for name, slices in staged.items()
        for each in slices
    ]
    columns = "table STRING, run_id STRING, " + ", ".join(
        f"{name} {SLICES.types[name]}" for name in (*names, LEFT)
    )
    kept = lake.spark.createDataFrame(rows, columns).withColumns(
        {
            "staged_at": F.lit(beginning.moment).cast("timestamp"),
            "published_at": F.lit(None).cast("timestamp"),
            "folder": F.lit(folder),
        }
    )
    # To append is a quarter of the work.
    if beginning.is_repeated:
        lake.replace_where(TABLE, kept, _is_own(lake))
    else:
        lake.append(TABLE, kept)


@dataclass(frozen=True)
class Staged:
    """What a run has staged and no later one has published."""

    slices: Mapping[str, list[StagedSlice]]  # by gold table
    at: str  # the moment (UTC) at which it was staged
    is_published: bool  # all of it has become gold: another run may have cleared the rows away since
    staging: Staging
    incomplete: frozenset[str]  # gold tables of which slices may be left to another run

    def rows(self, table: Table) -> DataFrame:
        """Return the staged rows of a gold table; those of some of its slices may be superseded."""
        if self.slices[table.name]:
            return self.staging.read(table)
        return self.staging.lake.spark.createDataFrame([], table.columns)


def staged(lake: Lake) -> Staged:
    """What this run has staged and no later one has published.

    Raises JobError when there is nothing, when a selected table is not among it, or when an earlier version of this
    stage has left slices without their digests.
    """
    of_run = lake.read(TABLE).where(_is_own(lake))
    found = of_run.withColumn("staged_at", F.col("staged_at").cast("string")).collect()
    rows = [row.asDict() for row in found]
    # An attempt that was given up may have written after the next one had looked; folders are named by their time.
    newest = max((row.get("folder") or "" for row in rows), default="")
    rows = [row for row in rows if (row.get("folder") or "") == newest]
    is_published = bool(rows) and all(row["published_at"] for row in rows)
    if not rows or any(row["slice"] and _is_of_earlier_version(row, is_published) for row in rows):
        raise JobError(
            f"run {lake.settings.run_id} has staged nothing, or another has cleared it away since it was published; "
            "run `gold` and `check --layer gold` first"
        )
    if lacking := sorted({table.name for table in lake.settings.gold} - {row["table"] for row in rows}):
        raise JobError(
            f"run {lake.settings.run_id} has not staged {', '.join(lacking)}; run `gold` with the same tables first"
        )
    slices = {
        table.name: [_slice(row) for row in rows if row["table"] == table.name and row["slice"]]
        for table in lake.settings.gold
    }
    staging = Staging(lake, rows[0].get("folder") or "")
    # A lake of an earlier version has no such column.
    incomplete = frozenset(row["table"] for row in rows if row.get(LEFT) is not None)
    return Staged(slices, rows[0]["staged_at"], is_published, staging, incomplete)


def publish(lake: Lake, slices: Mapping[str, Iterable[date]], staged_at: str) -> None:
    """Mark this run's slices as published; those that older runs have staged of the same are superseded.

    What other runs have published is cleared away. One commit.
    """
    these = any_of((F.col("table") == table) & is_in("slice", days) for table, days in slices.items())
    # What an older run has staged of these slices knows less of silver and must not come after.
    is_superseded = ~_is_own(lake) & (F.col("staged_at") < F.lit(staged_at).cast("timestamp")) & these
    own = lake.read(TABLE).where(_is_own(lake)).withColumn("published_at", F.current_timestamp())
    is_over = ~_is_own(lake) & F.col("published_at").isNotNull()
    lake.replace_where(TABLE, own, _is_own(lake) | is_superseded | is_over)


def _is_own(lake: Lake) -> Column:
    return F.col("run_id") == lake.settings.run_id


def _is_of_earlier_version(row: dict[str, Any], is_published: bool) -> bool:
    """Whether a staged slice has no digest, or its rows are in a table and yet to be published."""
    return row.get("rows") is None or not (is_published or row.get("folder"))


def _slice(row: dict[str, Any]) -> StagedSlice:
    return StagedSlice(**{field.name: row[field.name] for field in fields(StagedSlice)})
