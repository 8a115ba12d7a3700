"""Conditions and order as SQL for a warehouse: names are the catalog's own, values go as parameters, never as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from serving.conditions import Condition, is_float
from serving.tables import Order

SYMBOLS = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
MOMENT = "yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSSXXX"


@dataclass
class Statement:
    """A statement with its parameters: name, SQL type and value as text each."""

    text: str = ""
    parameters: list[tuple[str, str, str]] = field(default_factory=list)

    def parameter(self, kind: pa.DataType, value: Any) -> str:
        """Add a parameter, and return what stands for it in the text."""
        if isinstance(value, datetime):
            value = value.astimezone(UTC).isoformat()
        name = f"p{len(self.parameters)}"
        text = str(value).lower() if isinstance(value, bool) else _finite(value)
        self.parameters.append((name, sql_type(kind), text))
        return f":{name}"


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


def quoted(*names: str) -> str:
    """Return a name of one or several parts as SQL takes it, whatever is in it."""
    return ".".join(f"`{name.replace('`', '``')}`" for name in names)


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

    Conditions and order mean what they mean to Arrow, to which a NaN is no number. Rows without an order of their own
    come by all columns, so that pages fit together.
    """
    found = Statement()
    terms = [_term(found, each, types) for each in where]
    rest = [name for name in types.names if name not in {each.column for each in order}]
    keys = [*(_key(each, types) for each in order), *(_key(Order(name), types) for name in rest)]
    found.text = (
        f"SELECT {', '.join(f'{_text(name, types)} AS {quoted(name)}' for name in columns)} FROM {table} AS t"
        + (f" WHERE {' AND '.join(terms)}" if terms else "")
        + f" ORDER BY {', '.join(keys)} LIMIT {limit:d} OFFSET {offset:d}"
    )
    return found


def _term(statement: Statement, condition: Condition, types: pa.Schema) -> str:
    column, kind = f"t.{quoted(condition.column)}", types.field(condition.column).type
    if condition.operator == "null":
        return f"{column} IS {'' if condition.value else 'NOT '}NULL"
    if condition.operator == "in":
        values: Any = condition.value
        return f"{column} IN ({', '.join(statement.parameter(kind, value) for value in values)})"
    term = f"{column} {SYMBOLS[condition.operator]} {statement.parameter(kind, condition.value)}"
    return (
        f"({term} AND NOT isnan({column}))"
        if is_float(types, condition) and condition.operator != "ne"
        else term
    )


def _key(order: Order, types: pa.Schema) -> str:
    column, kind = f"t.{quoted(order.column)}", types.field(order.column).type
    # Maps have no order of their own.
    value = f"to_json({column})" if pa.types.is_nested(kind) else column
    direction = " DESC" if order.descending else ""
    last = f", isnan({column})" if pa.types.is_floating(kind) else ""
    return f"{column} IS NULL{last}, {value}{direction}"


def _text(name: str, types: pa.Schema) -> str:
    column, kind = f"t.{quoted(name)}", types.field(name).type
    if pa.types.is_nested(kind):
        return f"to_json({column})"
    return (
        f"date_format({column}, '{MOMENT}')" if pa.types.is_timestamp(kind) else f"CAST({column} AS STRING)"
    )
