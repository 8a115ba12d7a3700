"""Reads tables of a lake on this machine without Spark: which there are, and rows by conditions, in an order."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from catalog.tables import Table
from serving import delta_files
from serving.conditions import Condition as Condition
from serving.conditions import is_float, met, pushed_down
from serving.problems import Problem
from serving.readable import readable as readable
from serving.readable import readable_table

# With an order, as many more rows than asked for are held before those that come last are dropped.
HELD = 100_000


@dataclass(frozen=True)
class Order:
    """Rows by one column; NaN comes after all numbers, and rows without a value come last, in both directions."""

    column: str
    descending: bool = False


@dataclass(frozen=True)
class OpenTable:
    """A table at a version."""

    name: str
    folder: Path
    version: int
    types: pa.Schema
    """Its columns then, without those of VARIANT, which only Spark reads."""

    files: ds.FileSystemDataset
    row_count: int | None
    """As its log says; None where the log does not."""


def folder_of(lake: Path, table: Table, prefix: str = "") -> Path:
    """Return where a table's files are, if there are any; `prefix` is that of the target's schemas."""
    return lake / "warehouse" / f"{prefix}{table.layer}.db" / table.name


def open_table(lake: Path, name: str, version: int | None = None, prefix: str = "") -> OpenTable:
    """Open a table that may be read, as `open_any` does. Raises Problem for any other name, too."""
    return open_any(lake, readable_table(name), version, prefix)


def open_any(lake: Path, table: Table, version: int | None = None, prefix: str = "") -> OpenTable:
    """Open a table at a version, by default its newest.

    Raises Problem for a table or version that is not there or cannot be read.
    """
    folder, name = folder_of(lake, table, prefix), table.full_name
    if stamp := delta_files.stamp(folder):
        return _kept(folder, name, version, stamp)
    return _opened(folder, name, version)


# Nothing of a version changes but that it may go. The footers of its files are kept with it, some kilobytes each.
@lru_cache(maxsize=24)
def _kept(folder: Path, name: str, version: int | None, _stamp: object) -> OpenTable:
    return _opened(folder, name, version)


def _opened(folder: Path, name: str, version: int | None) -> OpenTable:
    delta = delta_files.opened(folder, name, version)
    files = delta_files.dataset(delta, folder)
    return OpenTable(name, folder, delta.version(), files.schema, files, delta_files.row_count(delta))


def read(
    lake: Path,
    table: str,
    columns: Sequence[str] = (),
    where: Sequence[Condition] = (),
    order: Sequence[Order] = (),
    limit: int | None = None,
    version: int | None = None,
    *,
    prefix: str = "",
) -> pa.Table:
    """Return the rows of a table as `rows` does, by default of its newest version."""
    return rows(open_table(lake, table, version, prefix), columns, where, order, limit)


def rows(
    table: OpenTable,
    columns: Sequence[str] = (),
    where: Sequence[Condition] = (),
    order: Sequence[Order] = (),
    limit: int | None = None,
    offset: int = 0,
    deadline: float | None = None,
) -> pa.Table:
    """Return the rows of a table that meet all conditions: the first `limit` after `offset`.

    Columns come as asked for, without any as the table has them. The order of rows is the same whenever the version
    is; without `order`, and among equal rows, it is that of the table's files. Timestamps are in UTC. `deadline` is a
    moment of `time.monotonic`.

    Raises Problem for a column, operator or value that is not there or does not fit, and when the deadline passes.
    """
    wanted = list(columns) or list(table.types.names)
    by = [each.column for each in order]
    for name in (*wanted, *(each.column for each in where), *by):
        check_column(table.name, table.types, name)
    again = [each for each in where if is_float(table.types, each)]
    batches = table.files.to_batches(
        columns=list(dict.fromkeys([*wanted, *by, *(each.column for each in again)])),
        filter=pushed_down(where, table.types),
    )
    try:
        found = _first(_compared(batches, again, table.types, deadline), order, limit, offset)
    except FileNotFoundError as error:
        raise delta_files.gone(table.name, table.version) from error
    return table.types.empty_table().select(wanted) if found is None else found.select(wanted)


def check_column(table: str, types: pa.Schema, name: str) -> None:
    """Raise Problem for a column that a table does not have."""
    if name not in types.names:
        detail = f"{table} has no column {name[:80]!r}; it has {', '.join(types.names)}"
        raise Problem(422, "No such column", detail)


def _compared(
    batches: Iterator[pa.RecordBatch], again: Sequence[Condition], types: pa.Schema, deadline: float | None
) -> Iterator[pa.RecordBatch]:
    """Yield what is left of each batch by conditions on floats, of which Arrow may have let too many rows pass."""
    for batch in batches:
        if deadline is not None and time.monotonic() > deadline:
            detail = "reading took too long; ask for fewer rows, by a condition on the table's date"
            raise Problem(503, "Took too long", detail)
        for each in again:
            batch = batch.filter(met(each, types, batch.column(each.column)))
        if batch.num_rows:
            yield batch


def _first(
    batches: Iterator[pa.RecordBatch], order: Sequence[Order], limit: int | None, offset: int
) -> pa.Table | None:
    """Return the rows after the offset, of which no more are held than are needed; None when there are none at all."""
    end = None if limit is None else offset + limit
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        if end is not None and count >= end and not order:
            break
        if end is not None and order and count > end + HELD:
            kept = _sorted(pa.Table.from_batches(held), order).slice(0, end)
            held, count = kept.to_batches(), kept.num_rows
    if not held:
        return None
    found = pa.Table.from_batches(held)
    return (_sorted(found, order) if order else found).slice(offset, limit)


def _sorted(found: pa.Table, order: Sequence[Order]) -> pa.Table:
    # Arrow's sort is stable: equal rows stay as they come.
    keys = [(each.column, "descending" if each.descending else "ascending", "at_end") for each in order]
    return found.take(pc.sort_indices(found, sort_keys=keys))
