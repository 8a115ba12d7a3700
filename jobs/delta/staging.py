"""Staging: rows that are written once and read several times before they are brought into a table.

Parquet files, not a Delta table: each attempt at a stage has a folder that no other one writes to, so there is no
history to keep, and Delta's log would cost several queries for each write and each read.
"""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.sql import DataFrame

from catalog.tables import Table
from jobs.delta.lake import Lake
from jobs.errors import JobError
from jobs.settings import Settings

LEFT_ALONE = 2 * 86_400  # seconds without a new table, after which nobody is at work in a folder any more


@dataclass(frozen=True)
class Staging:
    """The folder of one attempt at a stage; a new one unless its name is given."""

    lake: Lake
    name: str = field(default_factory=lambda: uuid.uuid4().hex)

    def write(self, table: Table, rows: DataFrame) -> None:
        """Keep rows of a table, in the place of what this attempt kept of it before."""
        rows.select(*table.column_names).write.mode("overwrite").parquet(str(self._folder(table)))

    def read(self, table: Table) -> DataFrame:
        """Return the rows that were kept of a table. Raises JobError when they are gone."""
        folder = self._folder(table)
        if not folder.is_dir():
            raise JobError(f"what was staged in {folder} is gone; run that stage again")
        return self.lake.spark.read.schema(table.columns).parquet(str(folder))

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(_root(self.lake.settings) / self.name, ignore_errors=True)

    def _folder(self, table: Table) -> Path:
        return _root(self.lake.settings) / self.name / table.name


def remove_abandoned(settings: Settings, but: Collection[str]) -> None:
    """Remove the folders in which nobody has written for two days, but for some that are still to be read."""
    root, before = _root(settings), time.time() - LEFT_ALONE
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.name not in but and folder.stat().st_mtime < before:
            shutil.rmtree(folder, ignore_errors=True)


def _root(settings: Settings) -> Path:
    return settings.home / "staging"
