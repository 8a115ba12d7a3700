"""A night's delivery of a feed that is made in plain Python: the same faults as `night.py` puts into the others."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jobs.generate.draw import Draw
from jobs.generate.feed import DUPLICATE_RATE, FAULT_RATES, LATE_RATE, LATEST_DAYS, LineFeed
from jobs.results import write_lines
from jobs.settings import FIRST_NIGHT

OLDEST = LATEST_DAYS + 1  # a row that comes late can be sent again the night after


@dataclass(frozen=True)
class Line:
    """A landed line, and the truth about it."""

    text: str
    key: str
    kinds: tuple[str, ...]  # faults that were put into it


def lines(feed: LineFeed, night: date, scale: float, seed: int) -> Iterator[Line]:
    """Lines of a feed that arrive in a night: its own rows, late ones of the nights before, and second copies."""
    arrival = (night - FIRST_NIGHT).days
    for index in range(max(0, arrival - OLDEST), arrival + 1):
        for row in range(feed.count(index, scale)):
            yield from _arriving(feed, seed, index, row, arrival)


def write(feed: LineFeed, night: date, scale: float, seed: int, folder: Path, truth: Path) -> None:
    """Write a night's delivery into one folder, and which fault was put into which row into another."""
    delivered = list(lines(feed, night, scale, seed))
    faults = ({"key": line.key, "kind": kind} for line in delivered for kind in line.kinds)
    write_lines(folder / "part-00000.json", (line.text for line in delivered))
    write_lines(truth / "part-00000.json", map(text, faults))


def text(row: Mapping[str, object]) -> str:
    """A row as it is landed."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _arriving(feed: LineFeed, seed: int, index: int, row: int, arrival: int) -> Iterator[Line]:
    fate = Draw(seed, f"{feed.source}.fate", index, row)
    is_late = not feed.is_reliable and fate.chance("late", LATE_RATE)
    first = index + (fate.integer("days_late", 1, LATEST_DAYS) if is_late else 0)
    sent = [first]
    if not feed.is_reliable and fate.chance("duplicate", DUPLICATE_RATE):
        sent.append(first + fate.integer("again_after", 0, 1))
    if arrival not in sent:
        return
    record, fault = feed.row(seed, index, row), _fault(feed, fate)
    line = text(feed.faults[fault](record) if fault else record)
    line = line[: len(line) // 2] if fault == "malformed" else line
    for copy, at in enumerate(sent):
        if at == arrival:
            kinds = (fault, "duplicate" if copy else "", "late" if is_late else "")
            yield Line(line, str(record[feed.key]), tuple(filter(None, kinds)))


def _fault(feed: LineFeed, fate: Draw) -> str:
    """At most one fault a row; none is ''."""
    drawn, reached = fate.uniform("fault"), 0.0
    for kind in feed.faults:
        reached += FAULT_RATES[kind]
        if drawn < reached:
            return kind
    return ""
