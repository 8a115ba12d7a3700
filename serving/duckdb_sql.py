"""A page's statement for DuckDB, over the files of a version."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from serving import statements
from serving.conditions import Condition
from serving.database import pattern
from serving.delta_files import DataFile
from serving.statements import Order


@dataclass
class DuckdbSql:
    """DuckDB's dialect, for a table whose columns have these SQL types."""

    kinds: Mapping[str, str]
    parameters: dict[str, object] = field(default_factory=dict)

    def quoted(self, name: str) -> str:
        """Return a name as SQL takes it, whatever is in it."""
        escaped = name.replace('"', '""')
        return f'"{escaped}"'

    def parameter(self, column: str, value: Any) -> str:
        """Add a value of a column's type, and return what stands for it in the text."""
        return f"CAST({self.given(value)} AS {self.kinds[column]})"

    def given(self, value: object) -> str:
        """Add a value as it is, and return what stands for it in the text."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"


def rows(
    files: Sequence[DataFile],
    types: pa.Schema,
    kinds: Mapping[str, str],
    columns: Sequence[str],
    where: Sequence[Condition],
    order: Sequence[Order],
    limit: int | None,
    offset: int,
) -> tuple[str, dict[str, object]]:
    """Return the statement of a page over files of one table, with its parameters; `kinds` are the SQL types.

    Rows without an order, and equal ones, come as they lie in the files. Conditions are on columns that are in files.
    """
    sql = DuckdbSql(kinds)
    keys = [statements.key(sql, each, types) for each in order]
    source = _source(sql, files, {*columns, *(each.column for each in order)})
    lying = ["t.file_index", "t.file_row_number"] if keys else []
    selected = [f"t.{sql.quoted(name)}" for name in columns]
    text = statements.rows(sql, source, selected, where, [*keys, *lying], types, limit, offset)
    return text, sql.parameters


def _source(sql: DuckdbSql, files: Sequence[DataFile], used: Collection[str]) -> str:
    """Return the rows of files with the columns of a table: null where a file is from before the column."""
    partitions = files[0].partition
    schema = [
        f"{_text(name)}: {{name: {_text(name)}, type: {_text(kind)}, default_value: NULL}}"
        for name, kind in sql.kinds.items()
        if name not in partitions
    ]
    # Of a partition's value the log decides, whatever a folder's name says.
    values = [
        f"CAST({sql.given([each.partition[name] for each in files])} AS {sql.kinds[name]}[])"
        f"[CAST(file_index AS BIGINT) + 1] AS {sql.quoted(name)}"
        for name in partitions
        if name in used
    ]
    options = [
        sql.given([pattern(each.path) for each in files]),
        f"schema = MAP {{{', '.join(schema)}}}",
        "hive_partitioning = false",
        # Statistics leave NaN out; without this, DuckDB (1.5.5) takes them to be of all values.
        "can_have_nan = true",
    ]
    selected = ["*", *values, "file_index", "file_row_number"]
    return f"(SELECT {', '.join(selected)} FROM read_parquet({', '.join(options)}))"


def _text(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"
