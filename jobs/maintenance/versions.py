"""A table's versions: what each commit did, and which run of which night it was."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from catalog.tables import Table
from jobs.delta.lake import Lake
from jobs.delta.schema import with_texts
from jobs.errors import JobError, UsageError
from jobs.maintenance.arguments import SHORTEST_RETENTION_DAYS

# The table property by which Delta vacuums, and refuses to read older versions; a week where it is not set.
FILES_KEPT = "delta.deletedFileRetentionDuration"
# Stages and commands that leave rows unchanged or restore them.
MAINTENANCE = ("maintain", "restore")
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
    vacuum_kept: int | None = None  # of a vacuum: milliseconds before it, of which it kept the files

    @property
    def committed_at(self) -> str:
        """The moment of the commit, UTC."""
        return f"{datetime.fromtimestamp(self.millis / 1000, UTC):%Y-%m-%d %H:%M:%S}"

    def __str__(self) -> str:
        by = f", run {self.run_id} of night {self.night}" if self.run_id else ""
        return f"version {self.number} ({self.committed_at} UTC, {self.operation}{by})"


def versions(lake: Lake, table: Table) -> list[Version]:
    """The table's versions, newest first, as far back as its log reaches.

    A commit says itself which run made it (`Lake.sign_commits`). The run stays unknown of commits that others
    made, and of merges on serverless compute or by jobs of before 2026-11-28.
    """
    log = lake.spark.sql(f"DESCRIBE HISTORY {lake.settings.table(table.full_name)}")
    commits = log.select(
        "version",
        F.unix_millis("timestamp").alias("millis"),
        *("operation", "operationMetrics", "operationParameters", "userMetadata"),
    )
    return sorted(map(_version, commits.collect()), key=lambda version: -version.number)


@dataclass(frozen=True)
class Retention:
    """For how long a table keeps its versions."""

    interval: str  # as its property has it: "interval 90 days"
    begins: int  # milliseconds since 1970: Delta refuses to read older versions, but for the newest one

    def readable(self, found: list[Version]) -> list[Version]:
        """Return the versions that Delta still reads, of all versions of the table, newest first.

        A vacuum took the files of those that another followed before what it kept, however long they are kept since.
        """
        taken = max(
            (each.millis - each.vacuum_kept for each in found if each.vacuum_kept is not None), default=0
        )
        later = zip(found[1:], found, strict=False)
        return found[:1] + [
            each for each, next_ in later if each.millis >= self.begins and next_.millis > taken
        ]


def retention(lake: Lake, table: Table) -> Retention:
    """Return for how long a table keeps its versions."""
    detail = lake.spark.sql(f"DESCRIBE DETAIL {lake.settings.table(table.full_name)}")
    properties = detail.select("properties").collect()[0][0] or {}
    interval = properties.get(FILES_KEPT, f"interval {SHORTEST_RETENTION_DAYS} days")
    begins = F.unix_millis(F.current_timestamp() - F.lit(interval).cast("interval"))
    return Retention(interval, lake.spark.range(1).select(begins).collect()[0][0])


def _version(row: Row) -> Version:
    counts = [row.operationMetrics.get(name) for name in ROWS.get(_kind(row.operation), ())]
    rows = sum(int(count) for count in counts if count) if any(counts) else None
    asked = row.operationParameters or {}
    kept = asked.get("specifiedRetentionMillis") or asked.get("defaultRetentionMillis")
    vacuum_kept = int(kept) if row.operation == "VACUUM START" and kept else None
    metadata = _metadata(row.userMetadata)
    return Version(row.version, row.millis, row.operation, rows, **metadata, vacuum_kept=vacuum_kept)


def _kind(operation: str) -> str:
    return "WRITE" if operation.startswith(("CREATE", "REPLACE", "WRITE")) else operation


def _metadata(text: str | None) -> dict[str, Any]:
    """What the job left in the commit about itself; nothing when another program left something else."""
    try:
        found = json.loads(text or "")
        return {name: str(found[name]) for name in ("run_id", "stage", "night")}
    except (ValueError, TypeError, KeyError):
        return {}


def pick(found: list[Version], table: Table, number: int | None, night: date | None) -> Version:
    """Return the version of that number, or without one the version after the last run of that night.

    Raises UsageError with the versions or nights that there are.
    """
    if number is not None:
        of_number = [version for version in found if version.number == number]
        if not of_number:
            raise UsageError(
                f"{table.full_name} has no version {number}; it has {found[-1].number} to {found[0].number}"
            )
        return of_number[0]
    of_nights = [version for version in found if version.night and version.stage not in MAINTENANCE]
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
    """Return the table's rows as of a version; what was VARIANT then and is text now, as its JSON."""
    rows = lake.spark.sql(
        f"SELECT * FROM {lake.settings.table(table.full_name)} VERSION AS OF {version.number}"
    )
    return with_texts(rows, table)


@contextmanager
def readable(table: Table, version: Version) -> Iterator[None]:
    """Turn the error of reading a version whose files are gone into a JobError of one line."""
    try:
        yield
    except PySparkException as error:
        if any(sign in str(error) for sign in ("FILE_NOT_EXIST", "FileNotFoundException", "MISSING_FILES")):
            raise JobError(
                f"{table.full_name} can no longer be read as of version {version.number}: "
                "vacuum has removed files that only older versions have"
            ) from None
        if "TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION" in str(error):
            raise JobError(
                f"{table.full_name} can no longer be read as of version {version.number}: it is older than versions "
                "of this table are kept, which `maintain --vacuum-days` says"
            ) from None
        raise
