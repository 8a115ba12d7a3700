"""Values as text: in the conditions of a request, and in rows as JSON and CSV."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
# To the microsecond, as tables have it; more digits would be cut.
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
NOT_FINITE = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}


def parsed(kind: pa.DataType, text: str) -> object:
    """Return the value that a text is in a column of that type. Raises ValueError that says what it looks like."""
    read, expected = _reading(kind)
    try:
        return read(text)
    except (ValueError, KeyError, ArithmeticError):
        raise ValueError(f"{text[:80]!r} is not {expected}") from None


def _reading(kind: pa.DataType) -> tuple[Callable[[str], object], str]:
    if pa.types.is_boolean(kind):
        return {"true": True, "false": False}.__getitem__, "true or false"
    if pa.types.is_integer(kind):
        return _integer, "an integer"
    if pa.types.is_floating(kind):
        return _float, "a number; Infinity and -Infinity are some"
    if pa.types.is_decimal(kind):
        return _decimal, f"a number of {kind.precision} digits at most, {kind.scale} of them decimals"
    if pa.types.is_date(kind):
        return _date, "a date, as in 2024-03-05"
    if pa.types.is_timestamp(kind):
        return _moment, "a moment with its zone, as in 2024-03-05T13:00:00Z"
    return str, "a text"


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,19}", text):
        raise ValueError
    return int(text)


def _float(text: str) -> float:
    if text not in NOT_FINITE.values() and not NUMBER.fullmatch(text):
        raise ValueError
    value = float(text)
    # 1e400 is no infinity of whoever typed it.
    if value in (float("inf"), float("-inf")) and text not in NOT_FINITE.values():
        raise ValueError
    return value


def _decimal(text: str) -> Decimal:
    if not NUMBER.fullmatch(text):
        raise ValueError
    return Decimal(text)


def _date(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError
    return date.fromisoformat(text)


def _moment(text: str) -> datetime:
    # A "+" in an address is a blank.
    text = re.sub(r" (?=\d\d:\d\d$)", "+", text)
    if not MOMENT.fullmatch(text):
        raise ValueError
    return datetime.fromisoformat(text)


def plain(column: pa.ChunkedArray) -> list[Any]:
    """Return a column's values as JSON has them; None where there is none.

    Integers are numbers with all their digits, decimals text, as in "12.30". What no number of JSON is comes as text,
    too: "NaN", "Infinity", "-Infinity". Moments are in UTC to the microsecond; maps are objects.
    """
    kind = column.type
    is_text = pa.types.is_temporal(kind) or pa.types.is_decimal(kind)
    values: list[Any] = (texts(column) if is_text else column).to_pylist()
    if pa.types.is_floating(kind):
        return [value if value is None or abs(value) < float("inf") else _text(value) for value in values]
    return [_nested(value, kind) for value in values] if pa.types.is_nested(kind) else values


def texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column with its values as text; Arrow knows years that Python does not."""
    found = column.cast(pa.string())
    return pc.replace_substring(found, " ", "T") if pa.types.is_timestamp(column.type) else found


def _text(value: float) -> str:
    return NOT_FINITE[str(value)]


def _nested(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_map(kind):
        return {str(key): _nested(each, kind.item_type) for key, each in value}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [_nested(each, kind.value_type) for each in value]
    if pa.types.is_struct(kind):
        return {field.name: _nested(value[field.name], field.type) for field in kind}
    return plain(pa.chunked_array([pa.array([value], kind)]))[0]
