"""A page's statement for a SQL warehouse, whose answers are text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from serving import statements
from serving.conditions import Condition
from serving.statements import Order

MOMENT = "yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSSXXX"


@dataclass
class Statement:
    """A statement with its parameters: name, SQL type and value as text each."""

    text: str = ""
    parameters: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass
class SparkSql:
    """Spark's dialect, for a table with these columns."""

    types: pa.Schema
    parameters: list[tuple[str, str, str]] = field(default_factory=list)

    def quoted(self, name: str) -> str:
        """Return a name as SQL takes it, whatever is in it."""
        return quoted(name)

    def parameter(self, column: str, value: Any) -> str:
        """Add a value of a column's type, and return what stands for it in the text."""
        if isinstance(value, datetime):
            value = value.astimezone(UTC).isoformat()
        name = f"p{len(self.parameters)}"
        text = str(value).lower() if isinstance(value, bool) else _finite(value)
        self.parameters.append((name, sql_type(self.types.field(column).type), text))
        return f":{name}"


def rows(
    table: str,
    types: pa.Schema,
    columns: Sequence[str],
    where: Sequence[Condition],
    order: Sequence[Order],
    limit: int,
    offset: int,
) -> Statement:
    """Return the statement of a page, whose columns all are text; `table` is quoted, and at a version.

    Rows without an order of their own come by all columns, so that pages fit together.
    """
    sql = SparkSql(types)
    rest = [Order(name) for name in types.names if name not in {each.column for each in order}]
    keys = [statements.key(sql, each, types) for each in (*order, *rest)]
    selected = [f"{_text(name, types)} AS {quoted(name)}" for name in columns]
    text = statements.rows(sql, table, selected, where, keys, types, limit, offset)
    return Statement(text, sql.parameters)


def quoted(*names: str) -> str:
    """Return a name of one or several parts as SQL takes it, whatever is in it."""
    return ".".join(f"`{name.replace('`', '``')}`" for name in names)


def _finite(value: Any) -> str:
    return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), str(value))


def sql_type(kind: pa.DataType) -> str:
    """Return the SQL type of a column that has single values."""
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP"
    names = {
        pa.bool_(): "BOOLEAN",
        pa.int32(): "INT",
        pa.int64(): "BIGINT",
        pa.float64(): "DOUBLE",
        pa.date32(): "DATE",
    }
    return names.get(kind, "STRING")


def _text(name: str, types: pa.Schema) -> str:
    column, kind = f"t.{quoted(name)}", types.field(name).type
    if pa.types.is_nested(kind):
        return f"to_json({column})"
    return (
        f"date_format({column}, '{MOMENT}')" if pa.types.is_timestamp(kind) else f"CAST({column} AS STRING)"
    )
