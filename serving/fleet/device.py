"""What one device measured over some days, with its anomalies marked, from `gold.sensor_hourly`."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING

import altair as alt

from serving.conditions import Condition
from serving.fleet import figure
from serving.fleet.figure import Figure, Row, Section
from serving.fleet.snapshot import Snapshot, between
from serving.fleet.units import UNITS

if TYPE_CHECKING:
    from serving.fleet.filters import Filters

TABLE, ANOMALIES = "gold.sensor_hourly", "gold.device_anomalies"
TABLES = (TABLE, ANOMALIES)
LISTED = 8  # devices with the most anomalies
COLUMNS = ["hour", "metric_name", "reading_count", "avg_value", "min_value", "max_value", "anomaly_count"]
EMPTY = "Choose a device above: nothing was read from this one in these days."


def section(snapshot: Snapshot, filters: Filters, night: date) -> Section | None:
    """A chart for each metric of the device; None in a lake without the table. Grain: metric and hour.

    The device is the one asked for, else the one with the most anomalies.
    """
    if TABLE not in snapshot:
        return None
    first = night - timedelta(days=filters.days - 1)
    days = between("event_date", first, night)
    worst = _worst(snapshot, night, days)
    device = filters.device if filters.device is not None else next(iter(worst), None)
    links = [
        (f"{each} ({worst[each]:,})", filters.link("device", device=each)) for each in worst if each != device
    ][:LISTED]
    if device is None:
        empty = figure_of(
            "", [], first, night, "No device sent readings in these days. Choose another night, or run one."
        )
        return Section("device", "One device", figures=[empty])
    rows = snapshot.rows(TABLE, COLUMNS, [*days, Condition("device_id", "eq", device)])
    problem = (
        "" if rows else f"device: nothing was read from {device} in these days; choose another, or more days"
    )
    metrics = sorted({row["metric_name"] for row in rows if row["metric_name"] is not None})
    figures = [
        figure_of(metric, [row for row in rows if row["metric_name"] == metric], first, night)
        for metric in metrics
    ]
    text = "Other devices, those with the most anomalies first:" if links else ""
    return Section("device", f"Device {device}", text, figures, links, problem)


def figure_of(metric: str, found: list[Row], first: date, last: date, empty: str = EMPTY) -> Figure:
    """The chart of one metric over some days: mean, range from lowest to highest, and the hours that have anomalies."""
    unit = UNITS.get(metric, "")
    rows = figure.plain_rows(
        {
            **row,
            "when": figure.spelled(row["hour"]),
            # Where each reading of the hour is without a value, the mark stands on the axis.
            "marked": row["anomaly_count"] if row["anomaly_count"] else None,
        }
        for row in sorted(found, key=lambda row: row["hour"])
    )
    said = figure.tooltip(
        when="hour",
        avg_value=f"mean {unit}|.2f",
        min_value=f"lowest {unit}|.2f",
        max_value=f"highest {unit}|.2f",
        reading_count="readings|,",
        anomaly_count="anomalies|,",
    )
    base = alt.Chart(figure.ROWS).encode(x=figure.hour_axis(first, last))
    axis = figure.value_axis("min_value", unit, zero=False)
    spread = base.mark_rule(color=figure.SKY, strokeWidth=3, opacity=0.55).encode(
        y=axis, y2="max_value:Q", tooltip=said
    )
    mean = base.mark_circle(color=figure.BLUE, size=26, opacity=1).encode(y="avg_value:Q", tooltip=said)
    anomalies = (
        base.transform_filter("datum.marked != null")
        .mark_point(color=figure.VERMILION, shape="diamond", filled=True, size=85, opacity=1)
        .encode(y="max_value:Q", tooltip=said)
    )
    marked = sum(row["anomaly_count"] or 0 for row in rows)
    readings = sum(row["reading_count"] or 0 for row in rows)
    caption = (
        f"{f'In {unit}, b' if unit else 'B'}y the hour (UTC): mean (dot), lowest to highest (bar). "
        f"{figure.counted(marked, 'anomaly', 'anomalies')} among {figure.counted(readings, 'reading')}; "
        "hours that have some carry a diamond."
    )
    title = metric[:1].upper() + metric[1:]
    return Figure(title, caption, alt.layer(spread, mean, anomalies), rows, empty, wide=True)


def _worst(snapshot: Snapshot, night: date, days: list[Condition]) -> dict[int, int]:
    """Devices that have anomalies, with how many: in the 7 days until the night, else in the days shown."""
    counts: Counter[int] = Counter()
    if ANOMALIES in snapshot:
        found = snapshot.rows(ANOMALIES, ["device_id", "anomaly_count"], [Condition("night", "eq", night)])
        for row in found:
            counts[row["device_id"]] += row["anomaly_count"]
    if not counts:
        grouped = snapshot.read(TABLE, ["device_id", "anomaly_count"], days).group_by("device_id")
        for row in grouped.aggregate([("anomaly_count", "sum")]).to_pylist():
            counts[row["device_id"]] += row["anomaly_count_sum"] or 0
    return {
        device: count
        for device, count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))[: LISTED + 1]
    }
