"""Reads tables of a lake on this machine without Spark: which there are, and rows by conditions, in an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb
import pyarrow as pa

from catalog.tables import Table
from serving import database, delta_files, duckdb_sql
from serving.conditions import Condition as Condition
from serving.conditions import check, met
from serving.delta_files import DataFile
from serving.problems import Problem
from serving.readable import readable as readable
from serving.readable import readable_table
from serving.statements import Order as Order


@dataclass(frozen=True)
class OpenTable:
    """A table at a version."""

    name: str
    folder: Path
    version: int
    types: pa.Schema
    """Its columns then, without those of VARIANT, which only Spark reads."""

    kinds: Mapping[str, str]
    """The same as SQL types."""

    files: Sequence[DataFile]
    root: Path
    """What is opened to read it: the folder of all tables, or its own where that is a link to elsewhere."""

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


# Nothing of a version changes but that it may go.
@lru_cache(maxsize=24)
def _kept(folder: Path, name: str, version: int | None, _stamp: object) -> OpenTable:
    return _opened(folder, name, version)


def _opened(folder: Path, name: str, version: int | None) -> OpenTable:
    delta = delta_files.opened(folder, name, version)
    types, real, warehouse = delta_files.schema(delta), folder.resolve(), folder.parents[1].resolve()
    root = warehouse if real.is_relative_to(warehouse) else real
    kinds, files = database.kinds(root, types), delta_files.files(delta, real)
    return OpenTable(name, folder, delta.version(), types, kinds, files, root, delta_files.row_count(delta))


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
    for name in (*wanted, *(each.column for each in where), *(each.column for each in order)):
        check_column(table.name, table.types, name)
    check(where, table.types)
    schema = pa.schema([table.types.field(name) for name in wanted])
    files = [each for each in table.files if _may_meet(each, where)]
    if not files:
        return schema.empty_table()
    in_files = [each for each in where if each.column not in files[0].partition]
    text, parameters = duckdb_sql.rows(
        files, table.types, table.kinds, wanted, in_files, order, limit, offset
    )
    try:
        found = database.execute(table.root, text, parameters, deadline)
    except duckdb.IOException as error:
        if all(Path(each.path).exists() for each in files):
            raise
        raise delta_files.gone(table.name, table.version) from error
    # DuckDB has other names for what is in lists and maps, and for UTC.
    return found.cast(schema)


def _may_meet(file: DataFile, where: Sequence[Condition]) -> bool:
    """Whether rows of a file may meet all conditions, by what the file has in the columns of its partition."""
    return all(met(each, file.partition[each.column]) for each in where if each.column in file.partition)


def check_column(table: str, types: pa.Schema, name: str) -> None:
    """Raise Problem for a column that a table does not have."""
    if name not in types.names:
        detail = f"{table} has no column {name[:80]!r}; it has {', '.join(types.names)}"
        raise Problem(422, "No such column", detail)
