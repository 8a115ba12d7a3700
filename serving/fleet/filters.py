"""What a reader asks the fleet page for, in its address: `?night=2024-03-05&days=7&device=1001&table=gold.alerts`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any
from urllib.parse import urlencode

from catalog.lineage import made_from

DAYS = (1, 3, 7, 14, 30)
LONGEST_NAME = 200  # characters
MOST = 2**63 - 1  # ids are BIGINT


@dataclass(frozen=True)
class Filters:
    """What is shown; None where the reader leaves it to the page."""

    night: date | None = None  # the last one, by default the newest
    days: int = 7  # of climate and readings, until the night
    device: int | None = None
    room: str | None = None
    site: int | None = None
    table: str | None = None  # whose way up and down is shown, as `layer.name`

    def address(self, **changes: object) -> str:
        """The view as the query of an address, with changes; what is as by default is left out."""
        values = asdict(self) | changes
        default = asdict(Filters())
        return urlencode({name: value for name, value in values.items() if value != default[name]})

    def link(self, section: str, **changes: object) -> str:
        """The address of a section in this view with changes, relative to the page's."""
        return f"./?{self.address(**changes)}#{section}"


def parse(query: Mapping[str, str]) -> tuple[Filters, list[str]]:
    """The filters of an address, and a line about each that is wrong, in whose place the default stands."""
    values: dict[str, Any] = {}
    problems = []
    for name, text in query.items():
        if name not in _PARSERS:
            known = ", ".join(_PARSERS)
            problems.append(f"{_short(name)} is no filter of this page; there are {known}")
        elif text.strip():
            try:
                values[name] = _PARSERS[name](text.strip())
            except ValueError as error:
                problems.append(f"{name}: {_short(text)} is {error}")
    return Filters(**values), problems


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


def _night(text: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError("not a date; write it as YYYY-MM-DD, for example 2024-03-05")


def _days(text: str) -> int:
    if text not in map(str, DAYS):
        raise ValueError(f"not a number of days to choose; there are {', '.join(map(str, DAYS))}")
    return int(text)


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,19}", text, re.ASCII) or int(text) > MOST:
        raise ValueError("not an id, which is an integer such as 1001")
    return int(text)


def _name(text: str) -> str:
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise ValueError(f"not a name of at most {LONGEST_NAME} printable characters")
    return text


def _table(text: str) -> str:
    if text not in made_from():
        raise ValueError("no table that has a way; the list at the end of the page has those that have one")
    return text


_PARSERS: dict[str, Callable[[str], object]] = {
    "night": _night,
    "days": _days,
    "device": _number,
    "room": _name,
    "site": _number,
    "table": _table,
}
if _PARSERS.keys() != {each.name for each in fields(Filters)}:
    raise TypeError("every filter has a parser")
