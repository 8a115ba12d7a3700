"""Staging: rows that are written once and read several times before they are brought into a table.

Parquet files, not a Delta table: each attempt at a stage has a folder that no other one writes to, so there is no
history to keep, and Delta's log would cost several queries for each write and each read.
"""

from __future__ import annotations

import json
import logging
import shutil
import uuid
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import Table
from jobs.delta.lake import Lake
from jobs.errors import JobError
from jobs.files import write_atomically
from jobs.settings import Settings

LEFT_ALONE = timedelta(days=2)  # by then, the attempt that began a folder has ended, however it did
WRITTEN = "_written.json"  # in a table's folder: its files and their sizes, once all are there
MOMENT = "%Y%m%dT%H%M%S"

log = logging.getLogger("jobs")


def _new_name() -> str:
    # Its age is in the name: not every file system of a lake keeps times of folders.
    return f"{datetime.now(UTC):{MOMENT}}-{uuid.uuid4().hex}"


@dataclass(frozen=True)
class Staging:
    """The folder of one attempt at a stage; a new one unless its name is given."""

    lake: Lake
    name: str = field(default_factory=_new_name)

    def write(self, table: Table, rows: DataFrame) -> None:
        """Keep rows of a table, in its types, in the place of what this attempt kept of it before."""
        folder = self._folder(table)
        columns = [F.col(f"`{name}`").cast(kind).alias(name) for name, kind in table.types.items()]
        # Shredded, a variant's numbers come back in another type, by what else is in the file.
        writer = rows.select(*columns).write.option("spark.sql.variant.inferShreddingSchema", "false")
        writer.mode("overwrite").parquet(str(folder))
        write_atomically(folder / WRITTEN, json.dumps(_sizes(folder)))

    def read(self, table: Table) -> DataFrame:
        """Return the rows that were kept of a table. Raises JobError when they are gone, as a whole or in part."""
        folder = self._folder(table)
        try:
            written = json.loads((folder / WRITTEN).read_text())
        except FileNotFoundError:
            raise JobError(f"what was staged in {folder} is gone; run that stage again") from None
        if written != _sizes(folder):
            raise JobError(f"what was staged in {folder} is not what was written there; run that stage again")
        return self.lake.spark.read.schema(table.columns).parquet(str(folder))

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        _remove(root(self.lake.settings) / self.name)

    def _folder(self, table: Table) -> Path:
        return root(self.lake.settings) / self.name / table.name


def remove_abandoned(settings: Settings, but: Collection[str]) -> None:
    """Remove the folders that were begun more than two days ago, but for some that are still to be read."""
    before = f"{datetime.now(UTC) - LEFT_ALONE:{MOMENT}}"
    attempts = root(settings)
    for folder in attempts.iterdir() if attempts.is_dir() else ():
        if folder.name < before and folder.name not in but:
            _remove(folder)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        if folder.exists():
            log.warning("%s is not needed any more, and cannot be removed; who may, should", folder)


def _sizes(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_size for file in sorted(folder.glob("*.parquet"))}


def root(settings: Settings) -> Path:
    """The folder of all attempts, with a folder for each."""
    return settings.home / "staging"
