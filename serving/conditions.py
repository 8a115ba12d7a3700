"""What rows must meet: conditions on single columns."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from serving.problems import Problem

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
OPERATORS = (*COMPARISONS, "in", "null")


@dataclass(frozen=True)
class Condition:
    """What a row's value in one column must be; a row without a value meets `null` only, and a NaN `ne` only.

    The value is of the column's type: a timestamp with its zone, for `in` a sequence, for `null` whether it is.
    """

    column: str
    operator: str  # of OPERATORS
    value: Any = None


def met(condition: Condition, value: object) -> bool:
    """Whether a value of the column meets a condition that fits it."""
    if condition.operator == "null":
        return (value is None) == bool(condition.value)
    if value is None:
        return False
    if condition.operator == "in":
        return value in condition.value
    return COMPARISONS[condition.operator](value, condition.value)


def check(where: Sequence[Condition], types: pa.Schema) -> None:
    """Raise Problem for the first condition that does not fit its column."""
    for each in where:
        _check(each, types.field(each.column).type)


def _check(condition: Condition, kind: pa.DataType) -> None:
    if condition.operator not in OPERATORS:
        known = ", ".join(OPERATORS)
        detail = f"{condition.column}: there is no operator {condition.operator[:80]!r}; there are {known}"
        raise Problem(422, "No such operator", detail)
    if condition.operator == "null":
        return
    if pa.types.is_nested(kind):
        detail = f"{condition.column} is a list or a map, for which there is only the operator null"
        raise Problem(422, "No such operator", detail)
    for value in _several(condition) if condition.operator == "in" else [condition.value]:
        _check_value(condition.column, kind, value)


def _several(condition: Condition) -> Sequence[object]:
    if isinstance(condition.value, str) or not isinstance(condition.value, Sequence) or not condition.value:
        raise Problem(422, "Not a value", f"{condition.column}: the operator in takes several values")
    return condition.value


def _check_value(column: str, kind: pa.DataType, value: object) -> None:
    if value is None or value != value:
        detail = f"{column}: nothing equals {value}; rows without a value are found by the operator null"
        raise Problem(422, "Not a value", detail)
    try:
        # Arrow cuts what does not fit: 1.5 would be the integer 1.
        if _is_of(kind, value) and pa.scalar(value, kind).as_py() == value:
            return
    except (pa.ArrowException, OverflowError):
        pass
    raise Problem(422, "Not a value", f"{column}: {str(value)[:80]!r} is not a value of type {kind}")


def _is_of(kind: pa.DataType, value: object) -> bool:
    """Whether a Python value is of an Arrow type's kind; a timestamp without a zone is not."""
    if pa.types.is_boolean(kind) or isinstance(value, bool):
        return pa.types.is_boolean(kind) and isinstance(value, bool)
    if pa.types.is_timestamp(kind):
        return isinstance(value, datetime) and value.tzinfo is not None
    if pa.types.is_date(kind):
        return isinstance(value, date) and not isinstance(value, datetime)
    if pa.types.is_floating(kind):
        return isinstance(value, int | float)
    if pa.types.is_decimal(kind):
        return isinstance(value, int | Decimal)
    return isinstance(value, int if pa.types.is_integer(kind) else str)
