"""SenML (RFC 8428): the records of a pack as they are meant, each with what the base fields up to it say.

Needs nothing but Python.
"""

import json
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

_EXACT = Context(prec=100)
_ABSOLUTE = 1 << 28  # seconds: a smaller time counts from now, a greater one from 1970
_PLAIN = 40  # digits, up to which a sum is written without an exponent


class _Members(list[tuple[str, Any]]):
    """An object, of which no member is lost that stands there twice."""


class Pack:
    """What the base fields of a pack have said so far."""

    def __init__(self) -> None:
        self.base: dict[str, Any] = {}

    def resolved(self, record: str) -> str:
        """Return the next record of the pack without base fields. Raises ValueError for one that they do not fit.

        The base name stands in front of its name, base time, value and sum are added to its own, and the base unit is
        its unit if it has none. Without a time of its own it has the base time. A time that counts from when the pack
        was sent, which nobody knows, is a text that says so.
        """
        members = json.loads(record, object_pairs_hook=_Members, parse_int=_number, parse_float=_number)
        self.base |= {name: value for name, value in members if name in _OF_BASE}
        own = dict(members)
        if len(own) < len(members):
            raise ValueError("it has a name twice")
        changed = {
            _OF_BASE[base]: value
            for base, said in self.base.items()
            if (value := _applied(base, said, own.get(_OF_BASE[base]))) is not None
        }
        if not changed.get("n", own.get("n")):
            raise ValueError("it has neither a name nor a base name")
        time = changed.get("t", own.get("t"))
        if isinstance(time, Decimal) and time < _ABSOLUTE:
            changed["t"] = f"{_text(time)} s from when it was sent"
        kept = [(name, value) for name, value in members if name not in _OF_BASE and name not in changed]
        return _text(_Members([*changed.items(), *kept]))


# The base fields, and those of a record that they are for.
_OF_BASE: Mapping[str, str] = {"bn": "n", "bt": "t", "bu": "u", "bv": "v", "bs": "s"}


def _applied(base: str, said: Any, own: Any) -> Any:
    """Return a record's value with that of a base field; None if it has none."""
    if said is None or base == "bu":
        return said if own is None else own
    if base == "bn" and isinstance(said, str) and isinstance(own, str | None):
        return said + (own or "")
    if base != "bn" and isinstance(said, Decimal) and isinstance(own, Decimal | None):
        if own is None:
            return said if base == "bt" else None
        return _EXACT.add(said, own)
    raise ValueError(f"{base} fits no {_OF_BASE[base]}")


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError("a number has too large an exponent") from None


def _text(value: Any) -> str:
    """Write JSON with numbers in their digits."""
    if isinstance(value, _Members):
        return "{" + ",".join(f"{json.dumps(name)}:{_text(each)}" for name, each in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, Decimal):
        return format(value, "f") if -_PLAIN < value.adjusted() < _PLAIN else str(value)
    return json.dumps(value)
