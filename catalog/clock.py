"""How a source writes its times and days: by whose clocks, and in which patterns if it has some of its own."""

import re
from dataclasses import dataclass
from itertools import pairwise

# What a pattern may hold, longest first: letters of Java's (docs/your-own-data.md), and what stands between them.
_PARTS = re.compile(
    r"yyyy|yy|MMMM|MMM|MM|M|dd|d|HH|H|hh|h|mm|m|ss|s|S{1,9}|a|XXX|XX|X|'[^']*'|[^A-Za-z'\[\]{}#0-9]"
)
_OF_A_DAY = {"y": "year", "M": "month", "d": "day"}
_LETTERS = "yMdHhmsSaX"


@dataclass(frozen=True)
class Clock:
    """The zone of times that are written without one, and the patterns of times and days; none for the usual ones."""

    zone: str = "UTC"
    times: tuple[str, ...] = ()

    def patterns(self, kind: str) -> tuple[str, ...]:
        """Return those of a SQL type: with hours for TIMESTAMP, without for DATE."""
        wanted = {"TIMESTAMP": True, "DATE": False}.get(kind)
        return tuple(each for each in self.times if has_hours(each) is wanted)


USUAL = Clock()


def has_hours(pattern: str) -> bool:
    """Whether a pattern is of times, not of days."""
    return "h" in _letters(pattern).lower()


def has_zone(pattern: str) -> bool:
    """Whether times of a pattern say how far they are from UTC."""
    return "X" in _letters(pattern)


def flaw(pattern: str) -> str:
    """Return why a pattern cannot be meant, empty if it can."""
    if "".join(parts := _PARTS.findall(pattern)) != pattern or not parts:
        return f"times has {pattern!r}, which is no pattern: write one like dd.MM.yyyy HH:mm:ss, other letters in '…'"
    found = [part[0] for part in parts if part[0] in _LETTERS]
    if twice := [letter for letter in dict.fromkeys(found) if found.count(letter) > 1]:
        return f"times has {pattern!r} with {twice[0]} in two places"
    if lacking := [name for letter, name in _OF_A_DAY.items() if letter not in found]:
        return f"times has {pattern!r} without a {lacking[0]}"
    clock = set(found) - _OF_A_DAY.keys()
    if clock and not ("H" in clock or {"h", "a"} <= clock):
        return f"times has {pattern!r}, of which no hour is known: HH:mm, or hh:mm a"
    if {"H", "h"} <= clock or {"H", "a"} <= clock:
        return f"times has {pattern!r}: H is of 24 hours, h and a are of twelve"
    if any(one in clock and before not in clock for one, before in ("sm", "Ss")):
        return f"times has {pattern!r}: s is what follows m, and S what follows s"
    if any(_is_open(one) and _is_number(other) for one, other in (*pairwise(parts), *pairwise(parts[::-1]))):
        return f"times has {pattern!r}: where nothing stands between two numbers, write both as two letters"
    return ""


def _letters(pattern: str) -> str:
    return re.sub("'[^']*'", "", pattern)


def _is_number(part: str) -> bool:
    return part[0] in "yMdHhmsS" and len(part) != 3 and part != "MMMM"


def _is_open(part: str) -> bool:
    """Whether a number has as many digits as it needs."""
    return len(part) == 1 and _is_number(part)
