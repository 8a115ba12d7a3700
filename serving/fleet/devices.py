"""The devices by type and status as the night ended, from `gold.device_health`."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

import altair as alt

from serving.conditions import Condition
from serving.fleet import figure
from serving.fleet.figure import Figure, Row, Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serving.fleet.filters import Filters
    from serving.fleet.snapshot import Snapshot

TABLE = "gold.device_health"
TABLES = (TABLE,)
ONLINE = "Online"
COLOURS = {
    ONLINE: figure.GREEN,
    "Maintenance": figure.ORANGE,
    "Offline": figure.VERMILION,
    "Decommissioned": figure.GREY,
}
UNKNOWN = "unknown"
EMPTY = "No device was registered when this night ended. Choose another night, or run one with devices."


def section(snapshot: Snapshot, _filters: Filters, night: date) -> Section | None:
    """One chart; None in a lake without the table. Grain: device type and status."""
    if TABLE not in snapshot:
        return None
    columns = ["device_type", "status", "device_count", "avg_age_days"]
    return Section(
        "devices",
        "Devices",
        figures=figures_of(snapshot.rows(TABLE, columns, [Condition("night", "eq", night)])),
    )


def figures_of(found: Sequence[Row]) -> list[Figure]:
    """Devices by status within each type; and, where some are online, the shares of those that are not."""
    rows = _ordered(found)
    types = len({row["device_type"] for row in rows})
    total = sum(row["device_count"] for row in rows)
    high = max(200, 30 * types + 60)
    caption = f"{total:,} devices registered when the night ended, by type and status."
    counts = figure.count_length("device_count", "devices")
    figures = [Figure("Devices by type and status", caption, _bars(rows, counts), rows, EMPTY, high)]
    away = [row for row in rows if row["status"] != ONLINE]
    if len(away) < len(rows):
        caption = f"{sum(row['device_count'] for row in away):,} of {total:,} devices, a share of those of their type."
        shares = alt.X("share:Q", title="share of the type's devices", axis=alt.Axis(tickCount=5, format="%"))
        title = "Devices that are not online"
        figures.append(Figure(title, caption, _bars(away, shares), away, "All devices are online.", high))
    return figures


def _ordered(found: Sequence[Row]) -> list[Row]:
    """With each row's share of its type; the type with the most devices first, within it statuses as in the legend."""
    rows = figure.plain_rows(
        {**row, "device_type": row["device_type"] or UNKNOWN, "status": row["status"] or UNKNOWN}
        for row in found
    )
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row["device_type"]] += row["device_count"]
    others = sorted({row["status"] for row in rows} - COLOURS.keys())
    order = [*COLOURS, *others]
    for row in rows:
        row["share"] = row["device_count"] / max(1, totals[row["device_type"]])
        row["order"] = order.index(row["status"])
    return sorted(rows, key=lambda row: (-totals[row["device_type"]], row["device_type"], row["order"]))


def _bars(rows: Sequence[Row], length: alt.X) -> alt.Chart:
    statuses = {row["status"]: row["order"] for row in rows}
    colours = figure.colours_of(sorted(statuses, key=lambda status: statuses[status]), COLOURS)
    chart: alt.Chart = (
        alt.Chart(figure.ROWS)
        .mark_bar()
        .encode(
            x=length,
            y=figure.name_axis("device_type"),
            color=figure.coloured("status", colours),
            order="order:Q",
            tooltip=figure.tooltip(
                device_type="type",
                status="status",
                device_count="devices|,",
                share="share of the type|.1%",
                avg_age_days="mean age in days|,.0f",
            ),
        )
    )
    return chart
