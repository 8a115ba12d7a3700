"""A chart and what it shows: what all figures of the fleet page share, from their colours to their time axes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import altair as alt

# Okabe and Ito's colours, which colour-blind people can tell apart; the legible ones on white come first.
BLUE, VERMILION, GREEN, ORANGE = "#0072b2", "#d55e00", "#009e73", "#e69f00"
PURPLE, SKY, GREY, BLACK = "#cc79a7", "#56b4e9", "#8a8f98", "#1c2430"
PALETTE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK, GREY)

Row = dict[str, Any]
ROWS = alt.NamedData(name="rows")  # what a figure's chart shows; its rows are put in later, unchecked


@dataclass(frozen=True)
class Figure:
    """A titled chart; without rows it shows what to do instead."""

    title: str
    caption: str  # what it shows, with units; read out in the chart's place, too
    chart: alt.Chart | alt.LayerChart | alt.FacetChart
    rows: Sequence[Row]
    empty: str
    height: int = 240  # pixels
    more: Mapping[str, Sequence[Row]] = field(default_factory=dict)  # other data that the chart names
    wide: bool = False

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The chart as Vega-Lite, as wide as its place on the page."""
        sized = self.chart.properties(width="container", height=self.height, description=self.caption)
        found: dict[str, Any] = sized.to_dict()
        # Put in now: Altair's check of a chart takes seconds when it has thousands of rows in it.
        found["datasets"] = {
            "rows": list(self.rows),
            **{name: list(rows) for name, rows in self.more.items()},
        }
        found.pop("config", None)  # the page has one for all
        return found


@dataclass(frozen=True)
class Name:
    """Something in a group, with the address of its own view; `steps` is how far away it is, 0 for itself."""

    text: str
    address: str
    steps: int


@dataclass(frozen=True)
class Group:
    """Names under a title."""

    title: str
    names: Sequence[Name]


@dataclass(frozen=True)
class Section:
    """A part of the page: what it is about, and its figures."""

    name: str  # in the address, after #
    title: str
    text: str = ""
    figures: Sequence[Figure] = ()
    links: Sequence[tuple[str, str]] = ()  # text, address
    problem: str = ""
    groups: Sequence[Group] = ()  # one leads to the next


def plain(value: object) -> Any:
    """A value as JSON has it: moments in ISO 8601, no NaN and no infinity, which mean no value."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def plain_rows(rows: Iterable[Mapping[str, object]]) -> list[Row]:
    """Rows with values as JSON has them."""
    return [{name: plain(value) for name, value in row.items()} for row in rows]


def counted(number: int, one: str, several: str = "") -> str:
    """A number of something as people write it; several of it end in s unless another word is given."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def spelled(moment: datetime) -> str:
    """A moment as people read it, in UTC."""
    return f"{moment.astimezone(UTC):%a %-d %b %Y, %H:%M} UTC"


def nights_until(last: date, count: int) -> list[date]:
    """So many nights that end with one, oldest first."""
    return [last - timedelta(days=back) for back in reversed(range(count))]


def hour_axis(first: date, last: date, **more: Any) -> alt.X:
    """Column `hour` over some days from left to right, in UTC whatever the reader's clock says."""
    ends = [
        alt.DateTime(year=day.year, month=day.month, date=day.day, utc=True)
        for day in (first, last + timedelta(days=1))
    ]
    days = (last - first).days + 1
    label = "utchours(datum.value) ? utcFormat(datum.value, '%H:%M') : utcFormat(datum.value, '%-d %b')"
    axis = alt.Axis(
        title=None,
        labelExpr=label,
        labelOverlap=True,
        labelSeparation=8,
        labelPadding=5,
        # Every three hours: Vega has no interval "hour", whatever its schema says, and stops drawing at it.
        tickCount=alt.TimeIntervalStep(interval="day", step=1) if days > 2 else 8 * days,
        grid=False,
    )
    return alt.X("hour:T", scale=alt.Scale(type="utc", domain=ends), axis=axis, **more)


def night_axis(nights: Sequence[date], column: str = "night") -> alt.X:
    """Each night in its place from left to right, those without rows too."""
    label = "utcFormat(toDate(datum.value), '%-d %b')"
    axis = alt.Axis(
        title=None,
        labelExpr=label,
        labelOverlap=True,
        labelSeparation=8,
        labelAngle=0,
        labelPadding=5,
        ticks=False,
    )
    domain = [night.isoformat() for night in nights]
    return alt.X(f"{column}:O", scale=alt.Scale(domain=domain), axis=axis)


def value_axis(column: str, unit: str, *, zero: bool = True) -> alt.Y:
    """A number from the bottom up, with its unit at each label."""
    suffix = json.dumps(f"\N{NO-BREAK SPACE}{unit}" if unit else "")
    axis = alt.Axis(title=None, tickCount=5, labelExpr=f"datum.label + {suffix}")
    return alt.Y(f"{column}:Q", scale=alt.Scale(zero=zero), axis=axis)


def count_axis(column: str) -> alt.Y:
    """An integer from zero up."""
    return alt.Y(f"{column}:Q", axis=alt.Axis(title=None, tickCount=_whole("y")))


def count_length(column: str, title: str) -> alt.X:
    """An integer from zero to the right."""
    return alt.X(f"{column}:Q", title=title, axis=alt.Axis(tickCount=_whole("x")))


def _whole(scale: str) -> Any:
    """How many ticks there are, so that none stands at half of anything: `tickMinStep` lets 0.5 pass."""
    return alt.expr(f"min(5, max(1, domain('{scale}')[1]))")


def name_axis(column: str) -> alt.Y:
    """Names below each other, in the order of the rows."""
    return alt.Y(
        f"{column}:N", title=None, sort=None, axis=alt.Axis(ticks=False, domain=False, labelPadding=6)
    )


def coloured(column: str, colours: Mapping[str, str]) -> alt.Color:
    """Names by colours, with a legend above the chart."""
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color(f"{column}:N", scale=scale, legend=alt.Legend(title=None, orient="top"))


def colours_of(names: Iterable[str], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """A colour for each name, in their order: the known one, else one of the palette that nobody has."""
    known = known or {}
    names = list(dict.fromkeys(names))
    free = [colour for colour in PALETTE if colour not in {known.get(name) for name in names}]
    found, others = {}, 0
    for name in names:
        found[name] = known.get(name) or free[others % len(free)]
        others += name not in known
    return found


def tooltip(**titles: str) -> list[alt.Tooltip]:
    """What is said of a mark: columns with their titles; of a number, `title|format`."""
    split = {column: title.partition("|") for column, title in titles.items()}
    return [
        alt.Tooltip(f"{column}:Q", title=title, format=number)
        if number
        else alt.Tooltip(f"{column}:N", title=title)
        for column, (title, _, number) in split.items()
    ]
