"""What rows must meet: conditions on single columns, as Arrow computes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import reduce
from operator import and_
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from serving.problems import Problem

COMPARISONS = {
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "lte": "less_equal",
    "gt": "greater",
    "gte": "greater_equal",
}
OPERATORS = (*COMPARISONS, "in", "null")


@dataclass(frozen=True)
class Condition:
    """What a row's value in one column must be; a row without a value meets `null` only, and a NaN `ne` only.

    The value is of the column's type: a timestamp with its zone, for `in` a sequence, for `null` whether it is.
    """

    column: str
    operator: str  # of OPERATORS
    value: object = None


def pushed_down(where: Sequence[Condition], types: pa.Schema) -> Any:
    """Return what the files of a dataset are filtered by, None for nothing. Raises Problem, as `met` does.

    Arrow decides by the statistics of files where it can, and these know nothing of a file's NaN: it may let too many
    rows pass. A NaN is unequal to anything, so nothing may be skipped for being equal.
    """
    terms = [_term(each, types, ds.field(each.column)) for each in where]
    kept = [
        term
        for each, term in zip(where, terms, strict=True)
        if each.operator != "ne" or not is_float(types, each)
    ]
    return reduce(and_, kept) if kept else None


def is_float(types: pa.Schema, condition: Condition) -> bool:
    """Whether a condition is on a column that may hold a NaN."""
    return bool(pa.types.is_floating(types.field(condition.column).type))


def met(condition: Condition, types: pa.Schema, column: pa.Array) -> pa.Array:
    """Return, for each value, whether it meets the condition. Raises Problem for what does not fit the column."""
    return _term(condition, types, column)


def _term(condition: Condition, types: pa.Schema, column: Any) -> Any:
    kind, operator, value = types.field(condition.column).type, condition.operator, condition.value
    if operator not in OPERATORS:
        detail = (
            f"{condition.column}: there is no operator {operator[:80]!r}; there are {', '.join(OPERATORS)}"
        )
        raise Problem(422, "No such operator", detail)
    if operator == "null":
        return pc.is_null(column) if value else pc.invert(pc.is_null(column))
    if pa.types.is_nested(kind):
        detail = f"{condition.column} is a list or a map, for which there is only the operator null"
        raise Problem(422, "No such operator", detail)
    if operator == "in":
        asked = [_typed(condition, kind, each) for each in _several(condition)]
        if pa.types.is_floating(kind) and any(each.as_py() == 0 for each in asked):
            # Arrow looks for the same bits, and there are two zeros.
            asked += [pa.scalar(0.0, kind), pa.scalar(-0.0, kind)]
        values = pa.array(asked, kind)
        return pc.is_in(column, values) if isinstance(column, pa.Array) else column.isin(values)
    return getattr(pc, COMPARISONS[operator])(column, _typed(condition, kind, value))


def _several(condition: Condition) -> Sequence[object]:
    if isinstance(condition.value, str) or not isinstance(condition.value, Sequence) or not condition.value:
        raise Problem(422, "Not a value", f"{condition.column}: the operator in takes several values")
    return condition.value


def _typed(condition: Condition, kind: pa.DataType, value: object) -> pa.Scalar:
    if value is None or value != value:
        detail = (
            f"{condition.column}: nothing equals {value}; rows without a value are found by the operator null"
        )
        raise Problem(422, "Not a value", detail)
    try:
        # Arrow cuts what does not fit: 1.5 would be the integer 1.
        if _is_of(kind, value) and (found := pa.scalar(value, kind)).as_py() == value:
            return found
    except (pa.ArrowException, OverflowError):
        pass
    raise Problem(
        422, "Not a value", f"{condition.column}: {str(value)[:80]!r} is not a value of type {kind}"
    )


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
