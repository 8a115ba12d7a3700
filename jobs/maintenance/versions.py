"""A table's versions: what each commit did, and which run of which night it was."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from catalog.pipeline import writers_of
from catalog.tables import Table
from jobs.delta.frames import is_in
from jobs.delta.lake import Lake
from jobs.errors import JobError, UsageError

# They leave the rows as they were, or put back what others wrote.
CARE = ("maintain", "restore")
ROWS = {
    "MERGE": ("numTargetRowsInserted", "numTargetRowsUpdated"),
    "UPDATE": ("numUpdatedRows",),
    "WRITE": ("numOutputRows",),
    "STREAMING UPDATE": ("numOutputRows",),
}


@dataclass(frozen=True)
class Version:
    """One commit of a table."""

    number: int
    millis: int  # since 1970, as the log has it
    operation: str
    rows: int | None  # written; None where an operation writes none
    run_id: str | None = None
    stage: str | None = None
    night: str | None = None

    @property
    def committed_at(self) -> str:
        """The moment of the commit, UTC."""
        return f"{datetime.fromtimestamp(self.millis / 1000, UTC):%Y-%m-%d %H:%M:%S}"

    def __str__(self) -> str:
        by = f", run {self.run_id} of night {self.night}" if self.run_id else ""
        return f"version {self.number} ({self.committed_at} UTC, {self.operation}{by})"


def versions(lake: Lake, table: Table) -> list[Version]:
    """The table's versions, newest first, as far back as its log reaches.

    A commit says itself which run made it, but for merges: those are looked up in `ops.job_runs`, by the time.
    Where two runs of a stage overlap, or none is known, the run stays unknown.
    """
    log = lake.spark.sql(f"DESCRIBE HISTORY {lake.settings.table(table.full_name)}")
    commits = log.select(
        "version", F.unix_millis("timestamp").alias("millis"), "operation", "operationMetrics", "userMetadata"
    )
    found = [_version(row) for row in commits.collect()]
    runs = _runs(lake, table)
    known = [version if version.run_id else _by_time(version, runs) for version in found]
    return sorted(known, key=lambda version: -version.number)


def _version(row: Row) -> Version:
    counts = [row.operationMetrics.get(name) for name in ROWS.get(_kind(row.operation), ())]
    rows = sum(int(count) for count in counts if count) if any(counts) else None
    note = _note(row.userMetadata)
    by = (note.get(name) for name in ("run_id", "stage", "night"))
    return Version(row.version, row.millis, row.operation, rows, *by)


def _kind(operation: str) -> str:
    return "WRITE" if operation.startswith(("CREATE", "REPLACE", "WRITE")) else operation


def _note(text: str | None) -> dict[str, str]:
    """What the job left in the commit about itself; nothing when another program left something else."""
    try:
        note = json.loads(text or "")
        return {name: str(note[name]) for name in ("run_id", "stage", "night")}
    except (ValueError, TypeError, KeyError):
        return {}


@dataclass(frozen=True)
class _Run:
    run_id: str
    stage: str
    night: str
    started: int
    ended: int


def _runs(lake: Lake, table: Table) -> list[_Run]:
    """Stages that can have written the table, with their times."""
    if not lake.exists("ops.job_runs"):
        return []
    rows = lake.read("ops.job_runs").where("status = 'done' AND stage <> 'history'")
    # Tables of `ops` are written by nearly all.
    if writers := writers_of(table.full_name):
        rows = rows.where(is_in("stage", [*writers, *CARE]))
    told = rows.groupBy("run_id", "stage", F.col("night").cast("string").alias("night"), "started_at").agg(
        F.max("ended_at").alias("ended_at"),
        F.array_contains(F.collect_set("table"), table.full_name).alias("names_it"),
        F.unix_millis("started_at").alias("started"),
        F.unix_millis(F.max("ended_at")).alias("ended"),
    )
    found = told.collect()
    # A stage that names the tables of a layer did not write one that it does not name, unless it never names it.
    is_named = any(row.names_it for row in found)
    return [
        _Run(row.run_id, row.stage, row.night, row.started, row.ended)
        for row in found
        if row.names_it or not is_named
    ]


def _by_time(version: Version, runs: list[_Run]) -> Version:
    fitting = [run for run in runs if run.started <= version.millis <= run.ended]
    if len(fitting) != 1:
        return version
    (run,) = fitting
    return replace(version, run_id=run.run_id, stage=run.stage, night=run.night)


def pick(found: list[Version], table: Table, number: int | None, night: date | None) -> Version:
    """The version of that number, or else the one in which the last run of that night left the table.

    Raises UsageError that says which there are.
    """
    if number is not None:
        of_number = [version for version in found if version.number == number]
        if not of_number:
            raise UsageError(
                f"{table.full_name} has no version {number}; it has {found[-1].number} to {found[0].number}"
            )
        return of_number[0]
    of_nights = [version for version in found if version.night and version.stage not in CARE]
    of_night = [version for version in of_nights if version.night == str(night)]
    if not of_night:
        known = sorted({str(version.night) for version in of_nights})
        names = (
            f"{', '.join(known[-5:])} are, the last five"
            if len(known) > 5
            else f"{', '.join(known) or 'none'} is"
        )
        raise UsageError(
            f"no run of night {night} is known to have written {table.full_name} ({names}); "
            f"see `history-of {table.full_name}` and give --version"
        )
    return of_night[0]


def rows_at(lake: Lake, table: Table, version: Version) -> DataFrame:
    """The table's rows as of a version."""
    return lake.spark.sql(
        f"SELECT * FROM {lake.settings.table(table.full_name)} VERSION AS OF {version.number}"
    )


@contextmanager
def readable(table: Table, version: Version) -> Iterator[None]:
    """Around reading a version: raises JobError in one line when its files are gone."""
    try:
        yield
    except PySparkException as error:
        if any(sign in str(error) for sign in ("FILE_NOT_EXIST", "FileNotFoundException", "MISSING_FILES")):
            raise JobError(
                f"{table.full_name} can no longer be read as of version {version.number}: "
                "vacuum has removed files that only older versions have"
            ) from None
        raise
