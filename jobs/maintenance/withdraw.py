"""Command `withdraw`: take a landed file back, with all that came of it; the next run restates what it had changed."""

import logging
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import unquote

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import SILVER, SOURCES, TABLES, Source
from jobs.bronze import rejected
from jobs.bronze.arrival import below
from jobs.bronze.findings import Rejected
from jobs.bronze.landing_zone import DOCUMENTS
from jobs.bronze.moves import free_path
from jobs.bronze.withdrawn import ARRIVED_AT
from jobs.bronze.withdrawn import FOLDER as WITHDRAWN
from jobs.cli.arguments import add_location
from jobs.delta.lake import Lake
from jobs.errors import UsageError
from jobs.maintenance import table_command
from jobs.maintenance.withdrawn_devices import facts_of
from jobs.state import accounts

log = logging.getLogger("jobs")

REASON = "withdrawn by hand, with its rows; it can be brought again"
SHOWN = 5
_URL = re.compile(r"\w+:/")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--source", choices=SOURCES, required=True, help="the source that the file is of")
    parser.add_argument(
        "--file",
        required=True,
        help="the file, as the report and ops.quarantine name it; its name is enough where no other has it",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    add_location(parser)


@dataclass(frozen=True)
class Landed:
    """A file whose rows are in bronze."""

    source: Source
    night: date
    path: str  # in the column `_file`
    below: str  # its source's folder: `arrived=2024-03-05/mine.csv`
    rows: int

    @property
    def is_own(self) -> Column:
        """Whether a row of bronze is of the file."""
        return (F.col("_night") == F.lit(self.night)) & (F.col("_file") == self.path)


def run(arguments: Namespace) -> None:
    """Take a file and its rows out of all layers and say what that changes. Repeating an interrupted one completes it.

    Its rows leave bronze last: by them, whoever repeats it finds again what is to be done. Raises UsageError for a file
    that no run has taken in, or a name that several have; nothing has been changed then.
    """
    arguments.table = TABLES[f"bronze.{arguments.source}"]
    lake = table_command.connect(arguments)
    lake.ensure(
        [
            f"silver.{SOURCES[arguments.source].silver}",
            "ops.quarantine",
            "ops.schema_drift",
            rejected.TABLE,
            accounts.TABLE,
        ]
    )
    file = _find(lake, SOURCES[arguments.source], arguments.file)
    keys = lake.read(f"bronze.{file.source.name}").where(file.is_own).select(*file.source.key).distinct()
    nights = {*lake.nights_of(file.source, keys), file.night}
    lost = _lost(lake, file.source, keys)
    print(f"{file.below}: {file.rows:,} rows leave bronze; silver is reconciled anew for {_listed(nights)}")
    facts = facts_of(lake, file.source, file.is_own)
    for fact, days in facts.items():
        print(f"and so is what was looked up in it alone, too: {fact.name} of {_listed(days)}")
    if arguments.dry_run:
        print("dry run: nothing has been changed")
        return
    accounts.begin(lake, file.source, nights)
    accounts.reopen(lake, {file.source: {night: lost.get(night, set()) for night in nights}} | facts)
    kept = _set_aside(lake, file)
    _delete(lake, file, keys)
    print(
        f"done: it is kept as {kept}; the next run of the source, of any night, restates what it had changed"
    )


def _listed(nights: Iterable[date]) -> str:
    return ", ".join(map(str, sorted(nights)))


def _find(lake: Lake, source: Source, name: str) -> Landed:
    found = lake.read(f"bronze.{source.name}").groupBy("_night", "_file").count().collect()
    files = [Landed(source, row._night, row._file, _below(row._file, source), row["count"]) for row in found]
    same = named(files, name)
    if len(same) == 1:
        return same[0]
    if same:
        raise UsageError(f"several files of {source.name} have that name: {_names(same)}; say which")
    raise UsageError(
        f"no rows in bronze.{source.name} are of a file {name[:200]!r}; the newest that are: "
        f"{_names(sorted(files, key=lambda file: file.night, reverse=True)) or 'none'}"
    )


def named(files: Iterable[Landed], name: str) -> list[Landed]:
    """Return the files that a name is meant for: as it is typed, or as Spark and the report write it."""
    found = []
    for file in files:
        spelled = {_below(name, file.source)}
        if not _URL.match(name):
            spelled.add(below(name, file.source.name))
        found.append((file, file.below in spelled, ARRIVED_AT.sub("", Path(file.below).name) in spelled))
    return [file for file, is_path, _ in found if is_path] or [file for file, _, is_name in found if is_name]


def _below(path: str, source: Source) -> str:
    """A path as seen from the folder of its source, or as it is; Spark gives paths as those of URLs."""
    return below(unquote(path), source.name)


def _names(files: list[Landed]) -> str:
    more = f" and {len(files) - SHOWN:,} more" if len(files) > SHOWN else ""
    return ", ".join(file.below for file in files[:SHOWN]) + more


def _lost(lake: Lake, source: Source, keys: DataFrame) -> dict[date, set[date]]:
    """Night -> the event dates of the silver rows that go."""
    silver = SILVER[source.silver]
    if not silver.is_dated:
        return {}
    rows = lake.read(silver.full_name).join(keys, on=list(source.key), how="leftsemi")
    lost: dict[date, set[date]] = {}
    for row in rows.select("_night", "event_date").distinct().collect():
        lost.setdefault(row._night, set()).add(row.event_date)
    return lost


def _set_aside(lake: Lake, file: Landed) -> Path:
    """Move the file, of a document the original, to where bronze does not look, and list it once."""
    folder = lake.settings.landing / file.source.name
    landed, original, kept = (
        folder / file.below,
        folder / DOCUMENTS / file.below,
        folder / WITHDRAWN / file.below,
    )
    if landed.exists():
        kept = free_path(kept)  # another may have been withdrawn from the same place
        listed = lake.read(rejected.TABLE).where(F.col("source") == file.source.name)
        if listed.where(F.col("file") == str(kept)).isEmpty():
            of_file = Rejected(kept, REASON, landed.stat().st_size)
            rejected.record(lake, {file.source: [of_file]}, file.night)
        kept.parent.mkdir(parents=True, exist_ok=True)
        if original.exists():
            original.rename(kept)
            landed.unlink()
        else:
            landed.rename(kept)
    return kept


def _delete(lake: Lake, file: Landed, keys: DataFrame) -> None:
    """Delete all rows of the file's keys from silver, those of the file from quarantine, and at last from bronze.

    What other files have of the keys, and the drift of their night, comes in again when the nights are reconciled.
    """
    lake.delete(f"silver.{file.source.silver}", keys, file.source.key)
    named = lake.spark.createDataFrame(
        [(file.source.name, file.night, file.path)], "source STRING, night DATE, file STRING"
    )
    lake.delete("ops.quarantine", named, ("source", "night", "file"))
    lake.delete("ops.schema_drift", named, ("source", "night"))
    rows = named.select(F.col("night").alias("_night"), F.col("file").alias("_file"))
    lake.delete(f"bronze.{file.source.name}", rows, ("_night", "_file"))
