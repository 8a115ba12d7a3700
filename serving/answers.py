"""What the API answers: which tables there are, and pages of their rows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from catalog.tables import Table
from serving import formats, query
from serving.problems import Problem
from serving.query import Position
from serving.readable import readable, readable_table

if TYPE_CHECKING:
    import pyarrow as pa

    from serving.conditions import Condition
    from serving.tables import Order
    from serving.versions import Commit


READ_AT_ONCE = 8


class OpenTable(Protocol):
    """A table at a version, wherever its lake is."""

    @property
    def types(self) -> pa.Schema:
        """Its columns at that version."""

    @property
    def version(self) -> int:
        """The number of the version."""

    def commit(self) -> Commit:
        """Return when the version was made, and the last night up to it."""

    def row_count(self) -> int | None:
        """Return how many rows it has, if that is known without reading them."""

    def rows(
        self,
        columns: Sequence[str],
        where: Sequence[Condition],
        order: Sequence[Order],
        limit: int,
        offset: int,
        deadline: float,
    ) -> pa.Table:
        """Return the rows that meet all conditions, in an order that is the same for a version."""


class Lake(Protocol):
    """Where tables are."""

    def open(self, name: str, as_of: int | date | None = None) -> OpenTable:
        """Return a table at a version, or as a night left it; by default at its newest. Raises Problem."""


@dataclass(frozen=True)
class Request:
    """What a request for rows says, as it says it."""

    name: str
    columns: str
    where: Sequence[str]
    order: str
    as_of: str
    cursor: str
    limit: int
    format: str  # of formats.MEDIA

    @property
    def fixed(self) -> list[object]:
        """What stays the same from page to page."""
        return [self.name, self.columns, list(self.where), self.order, self.as_of]


@dataclass(frozen=True)
class Page:
    """Some rows in a format; `cursor` is that of the next page, empty when there is none."""

    body: bytes
    version: int
    cursor: str


def tables(lake: Lake) -> list[dict[str, Any]]:
    """Describe every table that may be read; one that cannot be read now says why, and has no version."""
    # Each asks for its log: of files, or of a warehouse that takes its time.
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        return list(pool.map(partial(_if_readable, lake), readable()))


def _if_readable(lake: Lake, name: str) -> dict[str, Any]:
    try:
        return table(lake, name)
    except Problem as problem:
        known = readable_table(name)
        return _described(known, known.types) | {"problem": problem.detail}


def table(lake: Lake, name: str, as_of: str = "") -> dict[str, Any]:
    """Describe a table, by default at its newest version. Raises Problem when it is not there."""
    known = readable_table(name)
    opened = lake.open(name, query.moment(as_of) if as_of else None)
    commit = opened.commit()
    columns = {field.name: known.types.get(field.name, str(field.type)) for field in opened.types}
    return _described(known, columns) | {
        "version": opened.version,
        "committed_at": commit.committed_at and f"{commit.committed_at:%Y-%m-%dT%H:%M:%SZ}",
        "night": commit.night,
        "row_count": opened.row_count(),
    }


def _described(table: Table, columns: Mapping[str, str]) -> dict[str, Any]:
    """Describe a table without a version."""
    return {
        "name": table.full_name,
        "grain": table.grain,
        "key": list(table.key),
        "columns": [
            {"name": name, "type": kind, "comment": table.meanings.get(name)}
            for name, kind in columns.items()
        ],
        "partitioned_by": list(table.partition_by),
        "made_from": [f"silver.{name}" for name in table.reads],
        "version": None,
        "committed_at": None,
        "night": None,
        "row_count": None,
        "problem": None,
    }


def page(lake: Lake, asked: Request, more: str, seconds: float) -> Page:
    """Return a page of rows; `more` is the address of the next one up to its cursor.

    Raises Problem for what cannot be read, and after so many seconds.
    """
    deadline = time.monotonic() + seconds
    columns, order = query.columns(asked.columns), query.order(asked.order)
    begins = Position.of(asked.cursor, asked.fixed) if asked.cursor else None
    as_of = begins.version if begins else query.moment(asked.as_of) if asked.as_of else None
    opened = lake.open(asked.name, as_of)
    offset = begins.offset if begins else 0
    where = query.conditions(asked.where, asked.name, opened.types)
    # One more, to know whether there is a next page.
    found = opened.rows(columns, where, order, asked.limit + 1, offset, deadline)
    is_last = found.num_rows <= asked.limit
    found = found.slice(0, asked.limit)
    cursor = "" if is_last else Position(opened.version, offset + asked.limit).cursor(asked.fixed)
    about = {"table": asked.name, "version": opened.version, "next": f"{more}{cursor}" if cursor else None}
    return Page(_written(found, asked.format, about), opened.version, cursor)


def _written(found: pa.Table, name: str, about: Mapping[str, object]) -> bytes:
    if name == "csv":
        return formats.as_csv(found)
    return formats.as_arrow(found) if name == "arrow" else formats.as_json(found, **about)
