"""A request for rows, from its text to conditions, order and position: each part says what is wrong with it."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from serving.conditions import OPERATORS, Condition
from serving.problems import Problem
from serving.tables import Order
from serving.values import parsed

FARTHEST = 2**53


def conditions(texts: Sequence[str], name: str, types: pa.Schema) -> list[Condition]:
    """Return what `where` says, `column:operator:value` each. Raises Problem for the first that cannot be read."""
    return [_condition(text, name, types) for text in texts]


def _condition(text: str, name: str, types: pa.Schema) -> Condition:
    column, *rest = text.split(":", 2)
    if len(rest) < 2:
        detail = f"where={text[:80]!r} is not column:operator:value, as in event_date:gte:2024-03-01"
        raise Problem(422, "Not a condition", detail)
    operator, value = rest
    if column not in types.names:
        detail = f"where={text[:80]!r}: {name} has no column {column[:80]!r}; it has {', '.join(types.names)}"
        raise Problem(422, "No such column", detail)
    if operator not in OPERATORS:
        known = ", ".join(OPERATORS)
        raise Problem(422, "No such operator", f"where={text[:80]!r}: the operators are {known}")
    kind = pa.bool_() if operator == "null" else types.field(column).type
    try:
        found = [parsed(kind, each) for each in _several(value)] if operator == "in" else parsed(kind, value)
    except (ValueError, csv.Error) as error:
        raise Problem(422, "Not a value", f"where={text[:80]!r}: {error}") from None
    return Condition(column, operator, found)


def _several(text: str) -> list[str]:
    """Values with commas between them; those that have commas of their own are quoted as in CSV."""
    rows = list(csv.reader([text], strict=True))
    if len(rows) != 1:
        raise ValueError("the operator in takes values with commas between them")
    return rows[0]


def columns(text: str) -> list[str]:
    """Return the columns that `columns` names, each once. Raises Problem for an empty or repeated name."""
    names = text.split(",") if text else []
    if "" in names or len(set(names)) < len(names):
        raise Problem(
            422, "Not columns", f"columns={text[:80]!r}: give each column once, with commas between them"
        )
    return names


def order(text: str) -> list[Order]:
    """Return the columns that `order` names, with a minus before those that descend. Raises Problem, as `columns`."""
    names = text.split(",") if text else []
    found = [Order(name.removeprefix("-"), name.startswith("-")) for name in names]
    if "" in {each.column for each in found} or len({each.column for each in found}) < len(found):
        detail = (
            f"order={text[:80]!r}: give each column once, with commas between them, as in -log_count,location"
        )
        raise Problem(422, "Not an order", detail)
    return found


def moment(text: str) -> int | date:
    """Return what `as_of` names: a version, or a night. Raises Problem for anything else."""
    if re.fullmatch(r"[0-9]{1,15}", text):
        return int(text)
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    detail = f"as_of={text[:80]!r} is neither a night, as in 2024-03-05, nor the number of a version"
    raise Problem(422, "Not a night or version", detail)


@dataclass(frozen=True)
class Position:
    """Where a page begins: after how many rows of which version. The cursor of a page names the next one's."""

    version: int
    offset: int = 0

    def cursor(self, asked: Sequence[object]) -> str:
        """Return the position as text, for the same request alone: what was asked for is part of it."""
        found = json.dumps([self.version, self.offset, _digest(asked)], separators=(",", ":"))
        return base64.urlsafe_b64encode(found.encode()).decode().rstrip("=")

    @classmethod
    def of(cls, cursor: str, asked: Sequence[object]) -> Position:
        """Return the position that a cursor names. Raises Problem for one that is made up, or of another request."""
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            version, offset, digest = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            are_numbers = type(version) is int and type(offset) is int
        except (ValueError, TypeError):
            are_numbers, version, offset, digest = False, 0, 0, ""
        if not are_numbers or not (0 <= version < FARTHEST and 0 <= offset < FARTHEST):
            raise Problem(
                422, "Not a cursor", "take the cursor of the page before as it is, or none to begin"
            )
        if digest != _digest(asked):
            detail = "the cursor is of another request; only limit and format may differ from page to page"
            raise Problem(422, "Not a cursor", detail)
        return cls(version, offset)


def _digest(asked: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]
