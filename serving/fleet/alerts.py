"""Alerts by day and by kind, from `gold.alerts`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import altair as alt

from serving.conditions import Condition
from serving.fleet import figure
from serving.fleet.figure import Figure, Row, Section
from serving.fleet.snapshot import Snapshot, between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serving.fleet.filters import Filters

TABLE = "gold.alerts"
TABLES = (TABLE,)
DAYS = 30
LISTED = 8  # devices with the most alerts
COLOURS = {"Critical": figure.VERMILION, "Warning": figure.ORANGE}
EMPTY = "No alert was raised in these 30 days."


def section(snapshot: Snapshot, filters: Filters, night: date) -> Section | None:
    """Alerts of 30 days and of the night's day; None in a lake without the table. Grain: day or kind, and severity."""
    if TABLE not in snapshot:
        return None
    nights = figure.nights_until(night, DAYS)
    every = snapshot.read(TABLE, ["event_date", "severity"], between("event_date", nights[0], night))
    by_day = every.group_by(["event_date", "severity"]).aggregate([([], "count_all")]).to_pylist()
    tonight = snapshot.read(TABLE, ["kind", "severity", "device_id"], [Condition("event_date", "eq", night)])
    by_kind = tonight.group_by(["kind", "severity"]).aggregate([([], "count_all")]).to_pylist()
    by_device = tonight.group_by("device_id").aggregate([([], "count_all")]).to_pylist()
    devices = sorted(by_device, key=lambda row: (-row["count_all"], row["device_id"] or 0))[:LISTED]
    links = [
        (f"device {row['device_id']} ({row['count_all']:,})", filters.link("device", device=row["device_id"]))
        for row in devices
        if row["device_id"] is not None
    ]
    text = "Devices with the most alerts on the night's day:" if links else ""
    return Section("alerts", "Alerts", text, [by_day_figure(by_day, nights), by_kind_figure(by_kind)], links)


def by_day_figure(found: Sequence[Row], nights: Sequence[date]) -> Figure:
    """Alerts of each day, by severity."""
    rows = figure.plain_rows(
        {"night": row["event_date"], "severity": row["severity"] or "unknown", "alerts": row["count_all"]}
        for row in sorted(found, key=lambda row: (row["event_date"], row["severity"] or ""))
    )
    colours = figure.colours_of(sorted({row["severity"] for row in rows}), COLOURS)
    chart = (
        alt.Chart(figure.ROWS)
        .mark_bar()
        .encode(
            x=figure.night_axis(nights),
            y=figure.count_axis("alerts"),
            color=figure.coloured("severity", colours),
            tooltip=figure.tooltip(night="day", severity="severity", alerts="alerts|,"),
        )
    )
    total = sum(row["alerts"] for row in rows)
    return Figure(
        "Alerts by day",
        f"{figure.counted(total, 'alert')} in {len(nights)} days, by severity.",
        chart,
        rows,
        EMPTY,
    )


def by_kind_figure(found: Sequence[Row]) -> Figure:
    """Alerts of the night's day, by kind."""
    rows = figure.plain_rows(
        {
            "kind": row["kind"] or "unknown",
            "severity": row["severity"] or "unknown",
            "alerts": row["count_all"],
        }
        for row in sorted(found, key=lambda row: (-row["count_all"], row["kind"] or ""))
    )
    colours = figure.colours_of(sorted({row["severity"] for row in rows}), COLOURS)
    chart = (
        alt.Chart(figure.ROWS)
        .mark_bar()
        .encode(
            x=figure.count_length("alerts", "alerts"),
            y=figure.name_axis("kind"),
            color=figure.coloured("severity", colours),
            tooltip=figure.tooltip(kind="kind", severity="severity", alerts="alerts|,"),
        )
    )
    total = sum(row["alerts"] for row in rows)
    kinds = len({row["kind"] for row in rows})
    caption = (
        f"{figure.counted(total, 'alert')} on the night's day: unresolved critical events, and readings beyond a "
        "threshold."
    )
    return Figure(
        "Alerts by kind", caption, chart, rows, "No alert was raised on this day.", max(160, 26 * kinds + 60)
    )
