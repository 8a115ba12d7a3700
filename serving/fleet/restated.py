"""Nights that came out different after they had been published, from `ops.restatements`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import altair as alt

from serving.fleet import figure
from serving.fleet.figure import Figure, Row, Section
from serving.fleet.snapshot import Snapshot, between

if TYPE_CHECKING:
    from serving.fleet.filters import Filters

TABLE = "ops.restatements"
TABLES = (TABLE,)
NIGHTS = 30
EMPTY = "No night was restated in these 30 days: no late row changed what had been published."


def section(snapshot: Snapshot, _filters: Filters, night: date) -> Section | None:
    """One chart; None in a lake without the table. Grain: gold table and restated night."""
    if TABLE not in snapshot:
        return None
    nights = figure.nights_until(night, NIGHTS)
    columns = ["night", "table", "slice", "rows_before", "rows_after", "late_rows", "restated_at"]
    found = snapshot.rows(TABLE, columns, between("slice", nights[0], night))
    return Section("restated", "Restated nights", figures=[figure_of(found, nights)])


def figure_of(found: Sequence[Row], nights: Sequence[date]) -> Figure:
    """For each gold table the nights that were restated, each with the late rows that did it, all in all."""
    kept: dict[tuple[str, date], list[Row]] = {}
    for row in sorted(found, key=lambda row: (row["table"], row["slice"], row["restated_at"])):
        kept.setdefault((row["table"], row["slice"]), []).append(row)
    rows = figure.plain_rows(
        {
            "table": table.removeprefix("gold."),
            "night": slice_,
            "late": sum(count for row in each for _, count in row["late_rows"] or ()),
            "times": len(each),
            "by": ", ".join(dict.fromkeys(str(row["night"]) for row in each)),
            "before": each[0]["rows_before"],
            "after": each[-1]["rows_after"],
        }
        for (table, slice_), each in kept.items()
    )
    late = [row["late"] for row in rows]
    ends = sorted({min(late), max(late)}) if late else []
    chart = (
        alt.Chart(figure.ROWS)
        .mark_circle(color=figure.BLUE, opacity=0.8)
        .encode(
            x=figure.night_axis(nights),
            y=figure.name_axis("table"),
            size=alt.Size(
                "late:Q",
                scale=alt.Scale(range=[40, 380], zero=True),
                legend=alt.Legend(
                    title="late rows", orient="top", values=ends, format=",d", symbolType="circle"
                ),
            ),
            tooltip=figure.tooltip(
                table="table",
                night="restated night",
                by="by what arrived on",
                late="late rows|,",
                times="times|,",
                before="rows before|,",
                after="rows after|,",
            ),
        )
    )
    tables = len({row["table"] for row in rows})
    changed = len({row["night"] for row in rows})
    caption = f"{figure.counted(changed, 'night')} changed after publication; larger: more late rows."
    return Figure(
        "Which nights changed, and in which tables", caption, chart, rows, EMPTY, 26 * tables + 110, wide=True
    )
