"""A lake on this machine, as the API asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from serving import tables, versions
from serving.conditions import Condition
from serving.versions import Commit


@dataclass(frozen=True)
class LocalTable:
    """A table at a version."""

    opened: tables.OpenTable

    @property
    def types(self) -> pa.Schema:
        """Its columns at that version."""
        return self.opened.types

    @property
    def version(self) -> int:
        """The number of the version."""
        return self.opened.version

    def commit(self) -> Commit:
        """Return when the version was made, and the last night up to it."""
        return versions.of_version(self._commits(), self.version)

    def _commits(self) -> Iterator[Commit]:
        return versions.commits(self.opened.folder, self.version - versions.LOOKED_BACK)

    def row_count(self) -> int | None:
        """Return how many rows it has, as its log says; None where the log does not."""
        return self.opened.row_count

    def rows(
        self,
        columns: Sequence[str],
        where: Sequence[Condition],
        order: Sequence[tables.Order],
        limit: int,
        offset: int,
        deadline: float,
    ) -> pa.Table:
        """Return rows; see `tables.rows`."""
        return tables.rows(self.opened, columns, where, order, limit, offset, deadline)


@dataclass(frozen=True)
class LocalLake:
    """A lake's folder, and what its target puts before the names of schemas."""

    home: Path
    prefix: str = ""

    def open(self, name: str, as_of: int | date | None = None) -> LocalTable:
        """Return a table at a version, or as a night left it; by default at its newest. Raises Problem."""
        if not isinstance(as_of, date):
            return LocalTable(tables.open_table(self.home, name, as_of, self.prefix))
        newest = tables.open_table(self.home, name, None, self.prefix)
        version = versions.of_night(versions.commits(newest.folder), name, as_of)
        return LocalTable(tables.open_table(self.home, name, version, self.prefix))
