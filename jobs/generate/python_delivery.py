"""A night's delivery of a feed made in plain Python, with the same kinds of faults as `spark_delivery` injects."""

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
    """A landed line, and its fault labels."""

    text: str
    key: str
    kinds: tuple[str, ...]  # of the faults injected into it


def lines(
    feed: LineFeed, night: date, scale: float, seed: int, rates: Mapping[str, float] = USUAL
) -> Iterator[Line]:
    """Return the lines of a feed that arrive in a night: its own rows, late ones of the nights before, second copies.

    `rates` maps each kind of fault to its share of rows.
    """
    arrival = (night - FIRST_NIGHT).days
    for index in range(max(0, arrival - OLDEST), arrival + 1):
        for row in range(feed.count(index, scale)):
            yield from _arriving(feed, seed, index, row, arrival, rates)


def write(delivered: Iterable[Line], folder: Path, label_folder: Path) -> None:
    """Write a night's lines into one folder and their fault labels into another."""
    delivered = list(delivered)
    faults = ({"key": line.key, "kind": kind} for line in delivered for kind in line.kinds)
    write_lines(folder / "part-00000.json", (line.text for line in delivered))
    write_lines(label_folder / "part-00000.json", map(text, faults))


def text(row: Mapping[str, object]) -> str:
    """Return a row as its landed JSON line."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _arriving(
    feed: LineFeed, seed: int, index: int, row: int, arrival: int, rates: Mapping[str, float]
) -> Iterator[Line]:
    # The name is part of every hash: another one would make other nights.
    draw = Draw(seed, f"{feed.source}.fate", index, row)
    is_late = not feed.is_reliable and draw.chance("late", rates["late"])
    first = index + (draw.integer("days_late", 1, LATEST_DAYS) if is_late else 0)
    sent = [first]
    if not feed.is_reliable and draw.chance("duplicate", rates["duplicate"]):
        sent.append(first + draw.integer("again_after", 0, 1))
    if arrival not in sent:
        return
    values, fault = feed.row(seed, index, row), _fault(feed, draw, rates)
    line = text(feed.faults[fault](values) if fault else values)
    line = line[: len(line) // 2] if fault == "malformed" else line
    for copy, at in enumerate(sent):
        if at == arrival:
            kinds = (fault, "duplicate" if copy else "", "late" if is_late else "")
            yield Line(line, str(values[feed.key]), tuple(filter(None, kinds)))


def _fault(feed: LineFeed, draw: Draw, rates: Mapping[str, float]) -> str:
    """Return the kind of fault that a row has; empty for none."""
    drawn, reached = draw.uniform("fault"), 0.0
    for kind in feed.faults:
        reached += rates[kind]
        if drawn < reached:
            return kind
    return ""
