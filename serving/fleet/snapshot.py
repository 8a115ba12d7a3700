"""The tables that the fleet page has its rows from, each at the version at which a page began."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.tables import TABLES
from serving import delta_files, tables
from serving.conditions import Condition
from serving.problems import Problem
from serving.readable import shown


@dataclass(frozen=True)
class Snapshot:
    """The tables of a lake that are there, with their versions; equal snapshots show equal pages."""

    lake: Path
    prefix: str = ""  # of the target's schemas
    versions: Mapping[str, int] = field(default_factory=dict)  # full name of a table -> version

    @classmethod
    def of(cls, lake: Path, prefix: str = "") -> Snapshot:
        """Look which tables a lake has."""
        found = {name: _version(lake, name, prefix) for name in shown()}
        return cls(lake, prefix, {name: version for name, version in found.items() if version is not None})

    def __contains__(self, table: str) -> bool:
        return table in self.versions

    def __hash__(self) -> int:
        return hash((self.lake, self.prefix, *self.versions.items()))

    def only(self, names: Iterable[str]) -> Snapshot:
        """The same lake with no more than these tables."""
        kept = {name: self.versions[name] for name in names if name in self.versions}
        return Snapshot(self.lake, self.prefix, kept)

    def read(self, table: str, columns: Sequence[str], where: Sequence[Condition] = ()) -> pa.Table:
        """Rows of a table, as `tables.rows` gives them; null in columns that it was made without, long ago.

        Raises Problem for a table that cannot be read here.
        """
        opened = tables.open_any(self.lake, TABLES[table], self.versions[table], self.prefix)
        since = [name for name in columns if name not in opened.types.names and name in TABLES[table].types]
        found = tables.rows(opened, [name for name in columns if name not in since], where)
        for name in since:
            found = found.append_column(name, pa.nulls(found.num_rows))
        return found

    def rows(
        self, table: str, columns: Sequence[str], where: Sequence[Condition] = ()
    ) -> list[dict[str, Any]]:
        """The same as a list, for what is small."""
        found: list[dict[str, Any]] = self.read(table, columns, where).to_pylist()
        return found


def _version(lake: Path, name: str, prefix: str) -> int | None:
    """The version of a table; None for one that is not there or cannot be read here."""
    folder = tables.folder_of(lake, TABLES[name], prefix)
    if not (folder / "_delta_log").is_dir():
        return None
    if stamp := delta_files.stamp(folder):
        return _version_at(lake, name, prefix, stamp)
    return _opened_version(lake, name, prefix)


@lru_cache(maxsize=512)
def _version_at(lake: Path, name: str, prefix: str, _stamp: object) -> int | None:
    """The version as long as the table has no new commit: opening one with a year of nights takes a while."""
    return _opened_version(lake, name, prefix)


def _opened_version(lake: Path, name: str, prefix: str) -> int | None:
    try:
        return tables.open_any(lake, TABLES[name], None, prefix).version
    except Problem:
        return None


def between(column: str, first: date, last: date) -> list[Condition]:
    """Conditions of a range of days, both included."""
    return [Condition(column, "gte", first), Condition(column, "lte", last)]
