"""Conditions and order as SQL, as a SQL warehouse and DuckDB both take it: names quoted, values as parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from serving.conditions import Condition

SYMBOLS = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


@dataclass(frozen=True)
class Order:
    """Rows by one column; NaN comes after all numbers, and rows without a value come last, in both directions."""

    column: str
    descending: bool = False


class Dialect(Protocol):
    """What differs between a SQL warehouse and DuckDB, and the parameters of one statement."""

    def quoted(self, name: str) -> str:
        """Return a name as SQL takes it, whatever is in it."""

    def parameter(self, column: str, value: Any) -> str:
        """Add a value of a column's type, and return what stands for it in the text."""


def rows(
    sql: Dialect,
    source: str,
    selected: Sequence[str],
    where: Sequence[Condition],
    keys: Sequence[str],
    types: pa.Schema,
    limit: int | None,
    offset: int,
) -> str:
    """Return the text of a statement: `selected` expressions of a `source`, called t, sorted by `keys`, if any.

    Conditions and keys mean the same in both dialects, in which NaN equals itself and is greater than all numbers.
    """
    terms = [_term(sql, each, types) for each in where]
    return (
        f"SELECT {', '.join(selected)} FROM {source} AS t"
        + (f" WHERE {' AND '.join(terms)}" if terms else "")
        + (f" ORDER BY {', '.join(keys)}" if keys else "")
        + (f" LIMIT {limit:d}" if limit is not None else "")
        + f" OFFSET {offset:d}"
    )


def _term(sql: Dialect, condition: Condition, types: pa.Schema) -> str:
    column = f"t.{sql.quoted(condition.column)}"
    if condition.operator == "null":
        return f"{column} IS {'' if condition.value else 'NOT '}NULL"
    if condition.operator == "in":
        values = ", ".join(sql.parameter(condition.column, value) for value in condition.value)
        term = f"{column} IN ({values})"
    else:
        term = f"{column} {SYMBOLS[condition.operator]} {sql.parameter(condition.column, condition.value)}"
    if not pa.types.is_floating(types.field(condition.column).type):
        return term
    # One expression: a comparison by itself DuckDB (1.5.5) hands down to files, and rounds the value that is asked for
    # where one of them still has integers, from before the column was widened (duckdb/duckdb issue 24900).
    return f"CASE WHEN isnan({column}) THEN {condition.operator == 'ne'} ELSE {term} END"


def key(sql: Dialect, order: Order, types: pa.Schema) -> str:
    """Return an order as the expressions of an ORDER BY."""
    column, kind = f"t.{sql.quoted(order.column)}", types.field(order.column).type
    direction = " DESC" if order.descending else ""
    if pa.types.is_nested(kind):
        # Maps have no order of their own.
        return f"{column} IS NULL, to_json({column}){direction}"
    if pa.types.is_floating(kind):
        # Of what it sorts by itself DuckDB (1.5.5) gives back 0.0 for -0.0.
        return (
            f"{column} IS NULL, CASE WHEN isnan({column}) THEN NULL ELSE {column} END{direction} NULLS LAST"
        )
    return f"{column}{direction} NULLS LAST"
