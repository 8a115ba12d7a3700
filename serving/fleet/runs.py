"""What the checks of 30 nights found and how long their steps took, from `ops.job_runs`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import altair as alt

from catalog.pipeline import STEP_NAMES
from serving.fleet import figure
from serving.fleet.figure import Figure, Row

COLUMNS = ("run_id", "night", "stage", "table", "detail", "started_at", "ended_at")
CHECK = "check"
BY_HAND = "by-hand"  # the run of a stage that somebody runs by hand, unless they call it otherwise
FOUND = {"stopped the night": figure.VERMILION, "warned": figure.ORANGE}
# The three checks have one colour.
STEPS = list(dict.fromkeys(CHECK if step.startswith(CHECK) else step for step in STEP_NAMES))


def newest(found: Sequence[Row]) -> list[Row]:
    """Of the rows of `ops.job_runs` that are about steps of nights, those of the newest run of each night.

    A stage by hand is no run of a night where there is one.
    """
    steps = [row for row in found if row["stage"] in STEP_NAMES]
    last: dict[date, str] = {}
    for row in sorted(steps, key=lambda row: (row["run_id"] != BY_HAND, row["ended_at"], row["run_id"])):
        last[row["night"]] = row["run_id"]
    return [row for row in steps if last[row["night"]] == row["run_id"]]


def expectations_figure(runs: Sequence[Row], nights: Sequence[date]) -> Figure:
    """Expectations that did not hold, by night and by what that meant."""
    checked: Counter[date] = Counter()
    counts: Counter[tuple[date, str]] = Counter()
    for row in _newest_of_each_step(runs):
        if row["stage"].startswith(CHECK) and row["table"]:
            detail = _detail(row)
            checked[row["night"]] += detail.get("expectations", 0)
            counts[row["night"], "stopped the night"] += detail.get("failed", 0)
            counts[row["night"], "warned"] += detail.get("warned", 0)
    rows = figure.plain_rows(
        {"night": night, "what": what, "count": count, "checked": checked[night]}
        for (night, what), count in sorted(counts.items())
        if count
    )
    chart = (
        alt.Chart(figure.ROWS)
        .mark_bar()
        .encode(
            x=figure.night_axis(nights),
            y=figure.count_axis("count"),
            color=figure.coloured("what", FOUND),
            tooltip=figure.tooltip(night="night", what="which", count="expectations|,", checked="of|,"),
        )
    )
    last = max(checked, default=None)
    caption = (
        f"By the newest run of each night; {checked[last]:,} were checked on {last}."
        if last
        else "By the newest run of each night."
    )
    empty = (
        f"All expectations hold: {caption[0].lower()}{caption[1:]}"
        if checked
        else "No checks are recorded of these nights: a night's report records them."
    )
    return Figure("Expectations that do not hold", caption, chart, rows, empty)


def steps_figure(runs: Sequence[Row], nights: Sequence[date]) -> Figure:
    """Minutes that each step of the newest run of each night took."""
    seconds: Counter[tuple[date, str]] = Counter()
    for night, stage, started, ended in {
        (row["night"], row["stage"], row["started_at"], row["ended_at"]) for row in _newest_of_each_step(runs)
    }:
        seconds[night, CHECK if stage.startswith(CHECK) else stage] += (ended - started).total_seconds()
    rows = figure.plain_rows(
        {
            "night": night,
            "step": step,
            "minutes": spent / 60,
            "spelled": _duration(spent),
            "order": STEPS.index(step),
        }
        for (night, step), spent in sorted(
            seconds.items(), key=lambda each: (each[0][0], STEPS.index(each[0][1]))
        )
    )
    seen = [step for step in STEPS if any(row["step"] == step for row in rows)]
    chart = (
        alt.Chart(figure.ROWS)
        .mark_bar()
        .encode(
            x=figure.night_axis(nights),
            y=figure.value_axis("minutes", "min"),
            color=figure.coloured("step", {step: figure.PALETTE[STEPS.index(step)] for step in seen}),
            order="order:Q",
            tooltip=figure.tooltip(night="night", step="step", spelled="time"),
        )
    )
    caption = (
        "Minutes from start to end of each step of the newest run of each night; the three checks together."
    )
    return Figure(
        "How long nights took",
        caption,
        chart,
        rows,
        "No run is recorded of these nights: a night's report records them.",
    )


def _newest_of_each_step(runs: Sequence[Row]) -> list[Row]:
    """Without the attempts that another followed."""
    last: dict[tuple[date, str], datetime] = {}
    for row in runs:
        key = row["night"], row["stage"]
        last[key] = max(last.get(key, row["ended_at"]), row["ended_at"])
    return [row for row in runs if row["ended_at"] == last[row["night"], row["stage"]]]


def _detail(row: Row) -> dict[str, Any]:
    found = json.loads(row["detail"] or "{}")
    return found if isinstance(found, dict) else {}


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60} s"
