"""Whether keys of the catalog have values of their kinds: a string where a list is wanted is a list of its letters."""

from collections.abc import Callable
from dataclasses import fields
from datetime import date
from typing import Any

Strings = tuple[str, ...]
Pairs = tuple[tuple[str, str], ...]


def _are_strings(values: object) -> bool:
    return isinstance(values, tuple) and all(isinstance(value, str) for value in values)


# Type of a field -> what its value must be, and whether it is.
_KINDS: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    str: ("a string", lambda value: isinstance(value, str)),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    int: ("an integer from 0", lambda value: type(value) is int and value >= 0),
    date: ("a day like 2000-01-01 without quotes", lambda value: type(value) is date),
    Strings: ('a list of strings, as in ["a", "b"]', _are_strings),
    Pairs: (
        'a table of strings, as in {a = "…"}',
        lambda value: isinstance(value, tuple) and all(map(_are_strings, value)),
    ),
}


def check_kinds(section: Any, *others: str) -> None:
    """Raise ValueError for the first field of a section, `others` left out, whose value is not of the field's type.

    Lists and tables are tuples by now.
    """
    for field in fields(section):
        if field.name in others or field.type not in _KINDS:
            continue
        wanted, is_one = _KINDS[field.type]
        if not is_one(value := getattr(section, field.name)):
            said = list(value) if isinstance(value, tuple) else value
            raise ValueError(f"{field.name} must be {wanted}, not {said!r}")
