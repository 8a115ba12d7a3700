"""Tables of a lake as the catalog says, written by delta-rs: for tests of who reads them without Spark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake

from catalog.tables import TABLES

_PLAIN = {
    "STRING": pa.string(),
    "INT": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
}


def write_rows(lake: Path, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append rows to a table, made if it is not there; of a row, columns that are not given are null."""
    table = TABLES[name]
    folder = lake / "warehouse" / f"{table.layer}.db" / table.name
    written = pa.Table.from_pylist([dict(row) for row in rows], _schema(table.types))
    write_deltalake(folder, written, mode="append", partition_by=list(table.partition_by))


def _schema(types: Mapping[str, str]) -> pa.Schema:
    return pa.schema([(name, _arrow(kind)) for name, kind in types.items()])


def _arrow(kind: str) -> pa.DataType:
    if decimal := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    if array := re.fullmatch(r"ARRAY<(\w+)>", kind):
        return pa.list_(_PLAIN[array[1]])
    if mapped := re.fullmatch(r"MAP<(\w+),(\w+)>", kind):
        return pa.map_(_PLAIN[mapped[1]], _PLAIN[mapped[2]])
    return _PLAIN[kind]
