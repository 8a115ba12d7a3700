"""The climate of the rooms by the hour, from `gold.climate_hourly`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import altair as alt

from serving.fleet import figure
from serving.fleet.figure import Figure, Row, Section
from serving.fleet.snapshot import Snapshot, between

if TYPE_CHECKING:
    from serving.fleet.filters import Filters

TABLE = "gold.climate_hourly"
TABLES = (TABLE,)
MEASURES = {
    "avg_temperature_f": ("Temperature", "°F", ".1f"),
    "avg_humidity_percent": ("Humidity", "%", ".1f"),
}
MOST_LINES = len(figure.PALETTE)  # of more rooms, each is a row of a heat map
EMPTY = "No room was measured in these days. Choose another night, or run one with sensor_logs."


def section(snapshot: Snapshot, filters: Filters, night: date) -> Section | None:
    """Two charts of the days until the night; None in a lake without the table. Grain: room and hour."""
    if TABLE not in snapshot:
        return None
    first = night - timedelta(days=filters.days - 1)
    columns = ["hour", "location", *MEASURES]
    found = snapshot.rows(TABLE, columns, between("event_date", first, night))
    rooms = sorted({row["location"] for row in found if row["location"] is not None})
    problem = ""
    if filters.room is not None and filters.room not in rooms:
        problem = f"room: {filters.room!r} was not measured in these days; rooms are {', '.join(rooms[:20]) or 'none'}"
    elif filters.room is not None:
        found = [row for row in found if row["location"] == filters.room]
    figures = [figure_of(found, first, night, column) for column in MEASURES]
    links = [(room, filters.link("climate", room=room)) for room in rooms[:20] if room != filters.room]
    if filters.room is not None:
        links.insert(0, ("all rooms", filters.link("climate", room=None)))
    return Section("climate", "Rooms", "", figures, links if len(rooms) > 1 else (), problem)


def figure_of(found: list[Row], first: date, last: date, column: str) -> Figure:
    """The chart of one measure over some days: a line for each room, or a heat map when they are many."""
    name, unit, number = MEASURES[column]
    rows = _every_hour(found, _hours(first, last), column)
    rooms = list(dict.fromkeys(row["location"] for row in rows))
    said = figure.tooltip(location="room", when="hour", value=f"{unit}|{number}")
    base = alt.Chart(figure.ROWS)
    if len(rooms) > MOST_LINES:
        scale = alt.Scale(scheme="viridis")
        chart = base.mark_rect(invalid="filter").encode(
            x=figure.hour_axis(first, last, timeUnit="utcyearmonthdatehours"),
            y=figure.name_axis("location"),
            color=alt.Color("value:Q", scale=scale, legend=alt.Legend(title=unit, orient="top")),
            tooltip=said,
        )
        caption = f"Mean of each room and hour, in {unit}; a row is a room."
        return Figure(
            f"{name} by the hour", caption, chart, rows, EMPTY, max(240, 16 * len(rooms)), wide=True
        )
    lines = base.mark_line(strokeWidth=1.6, point=alt.OverlayMarkDef(size=14, opacity=0.55)).encode(
        x=figure.hour_axis(first, last),
        y=figure.value_axis("value", unit, zero=False),
        color=figure.coloured("location", figure.colours_of(rooms)),
        tooltip=said,
    )
    return Figure(
        f"{name} by the hour", f"Mean of each room and hour, in {unit}; times in UTC.", lines, rows, EMPTY
    )


def _hours(first: date, last: date) -> list[datetime]:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return [start + timedelta(hours=passed) for passed in range(24 * ((last - first).days + 1))]


def _every_hour(found: list[Row], hours: list[datetime], column: str) -> list[Row]:
    """A row for each room and hour, without a value where nothing was measured: no line bridges what nobody knows."""
    values = {(row["location"], row["hour"]): row[column] for row in found}
    rooms = sorted({location for location, _ in values if location is not None})
    return figure.plain_rows(
        {
            "location": room,
            "hour": hour,
            "when": figure.spelled(hour),
            "value": values.get((room, hour)),
        }
        for room in rooms
        for hour in hours
    )
