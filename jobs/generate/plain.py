"""A night's delivery of a feed that is made in plain Python: the same faults as `night.py` puts into the others."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jobs.files import write_lines
from jobs.generate.arguments import FIRST_NIGHT
from jobs.generate.draw import Draw
from jobs.generate.fault_rates import USUAL
from jobs.generate.feed import LATEST_DAYS, LineFeed

OLDEST = LATEST_DAYS + 1  # a row that comes late can be sent again the night after


@dataclass(frozen=True)
class Line:
    """A landed line, and the truth about it."""

    text: str
    key: str
    kinds: tuple[str, ...]  # faults that were put into it


def lines(
    feed: LineFeed, night: date, scale: float, seed: int, dirt: Mapping[str, float] = USUAL
) -> Iterator[Line]:
    """Lines of a feed that arrive in a night: its own rows, late ones of the nights before, and second copies.

    `dirt` is the share of rows for each kind of fault.
    """
    arrival = (night - FIRST_NIGHT).days
    for index in range(max(0, arrival - OLDEST), arrival + 1):
        for row in range(feed.count(index, scale)):
            yield from _arriving(feed, seed, index, row, arrival, dirt)


def write(delivered: Iterable[Line], folder: Path, truth: Path) -> None:
    """Write a night's delivery into one folder, and which fault was put into which row into another."""
    delivered = list(delivered)
    faults = ({"key": line.key, "kind": kind} for line in delivered for kind in line.kinds)
    write_lines(folder / "part-00000.json", (line.text for line in delivered))
    write_lines(truth / "part-00000.json", map(text, faults))


def text(row: Mapping[str, object]) -> str:
    """A row as it is landed."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _arriving(
    feed: LineFeed, seed: int, index: int, row: int, arrival: int, dirt: Mapping[str, float]
) -> Iterator[Line]:
    fate = Draw(seed, f"{feed.source}.fate", index, row)
    is_late = not feed.is_reliable and fate.chance("late", dirt["late"])
    first = index + (fate.integer("days_late", 1, LATEST_DAYS) if is_late else 0)
    sent = [first]
    if not feed.is_reliable and fate.chance("duplicate", dirt["duplicate"]):
        sent.append(first + fate.integer("again_after", 0, 1))
    if arrival not in sent:
        return
    record, fault = feed.row(seed, index, row), _fault(feed, fate, dirt)
    line = text(feed.faults[fault](record) if fault else record)
    line = line[: len(line) // 2] if fault == "malformed" else line
    for copy, at in enumerate(sent):
        if at == arrival:
            kinds = (fault, "duplicate" if copy else "", "late" if is_late else "")
            yield Line(line, str(record[feed.key]), tuple(filter(None, kinds)))


def _fault(feed: LineFeed, fate: Draw, dirt: Mapping[str, float]) -> str:
    """At most one fault a row; none is ''."""
    drawn, reached = fate.uniform("fault"), 0.0
    for kind in feed.faults:
        reached += dirt[kind]
        if drawn < reached:
            return kind
    return ""
