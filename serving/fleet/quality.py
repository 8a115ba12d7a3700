"""What became of the rows of 30 nights, and what was refused and why; with the charts of their runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc

from catalog.pipeline import QUARANTINE, ROW_ACCOUNTS
from serving.fleet import figure, runs
from serving.fleet.figure import Figure, Row, Section
from serving.fleet.snapshot import Snapshot, between

if TYPE_CHECKING:
    from serving.fleet.filters import Filters

RUNS = "ops.job_runs"
TABLES = (ROW_ACCOUNTS, QUARANTINE, RUNS)
NIGHTS = 30
MOST_RULES = 20
OUTCOMES = {
    "silver": figure.BLUE,
    "quarantined": figure.VERMILION,
    "duplicates": figure.GREY,
    "corrections": figure.PURPLE,
}
EMPTY = "No night was reconciled in these 30 days. Choose another night, or run one."


def section(snapshot: Snapshot, _filters: Filters, night: date) -> Section | None:
    """The charts of what the lake has tables for; None without accounts, of which every night has some."""
    if ROW_ACCOUNTS not in snapshot:
        return None
    nights = figure.nights_until(night, NIGHTS)
    days = between("night", nights[0], night)
    columns = ["source", "night", "landed", "silver", "quarantined", "duplicates", "corrections"]
    accounts = snapshot.rows(ROW_ACCOUNTS, columns, days)
    figures = [outcomes_figure(accounts, nights)]
    if RUNS in snapshot:
        newest = runs.newest(snapshot.rows(RUNS, runs.COLUMNS, days))
        figures += [runs.expectations_figure(newest, nights), runs.steps_figure(newest, nights)]
    if QUARANTINE in snapshot:
        reasons = reasons_of(snapshot.read(QUARANTINE, ["source", "night", "reasons"], days))
        figures.append(quarantine_figure(reasons, accounts, nights))
    return Section("quality", "The last 30 nights", figures=figures)


def outcomes_figure(accounts: Sequence[Row], nights: Sequence[date]) -> Figure:
    """Rows of each night by what became of them, all sources together."""
    counts: Counter[tuple[date, str]] = Counter()
    for account in accounts:
        for outcome in OUTCOMES:
            counts[account["night"], outcome] += account[outcome] or 0
    rows = figure.plain_rows(
        {"night": night, "outcome": outcome, "rows": count, "order": [*OUTCOMES].index(outcome)}
        for (night, outcome), count in sorted(counts.items())
        if count
    )
    chart = (
        alt.Chart(figure.ROWS)
        .mark_bar()
        .encode(
            x=figure.night_axis(nights),
            y=figure.count_axis("rows"),
            color=figure.coloured(
                "outcome",
                {name: OUTCOMES[name] for name in OUTCOMES if any(name == row["outcome"] for row in rows)},
            ),
            order="order:Q",
            tooltip=figure.tooltip(night="night", outcome="outcome", rows="rows|,"),
        )
    )
    landed, refused = (sum(row[column] or 0 for row in accounts) for column in ("landed", "quarantined"))
    caption = f"{landed:,} rows landed; {_percent(refused, landed)} of them are in quarantine."
    return Figure("What became of the rows", caption, chart, rows, EMPTY)


def reasons_of(quarantined: pa.Table) -> list[Row]:
    """Source, night, reason, rows; a row with two reasons counts under both."""
    lists = quarantined.column("reasons").combine_chunks()
    found = pa.table(
        {
            **{
                name: quarantined.column(name).take(pc.list_parent_indices(lists))
                for name in ("source", "night")
            },
            "reason": pc.list_flatten(lists),
        }
    )
    counted = found.group_by(["source", "night", "reason"]).aggregate([([], "count_all")])
    rows: list[Row] = counted.rename_columns(["source", "night", "reason", "rows"]).to_pylist()
    return rows


def quarantine_figure(reasons: Sequence[Row], accounts: Sequence[Row], nights: Sequence[date]) -> Figure:
    """For each rule and night, the share of its source's rows that broke it; the rules with the most rows."""
    totals: Counter[str] = Counter()
    for row in reasons:
        totals[_rule(row)] += row["rows"]
    listed = sorted(totals, key=lambda rule: (-totals[rule], rule))[:MOST_RULES]
    which = (
        f"The {len(listed)} of {len(totals)} rules with the most rows" if totals.keys() - listed else "Rules"
    )
    caption = (
        f"{which}, by the share of their source's rows that broke them. "
        "Each such row is in ops.quarantine with its reasons."
    )
    empty = "Nothing was quarantined in these 30 nights." if accounts else EMPTY
    high = 24 * len(listed) + 90
    rows = _shares(reasons, accounts, listed)
    return Figure("Quarantine by rule", caption, _heat_map(nights), rows, empty, high, wide=True)


def _shares(reasons: Sequence[Row], accounts: Sequence[Row], listed: Sequence[str]) -> list[Row]:
    landed = {(account["source"], account["night"]): account["landed"] for account in accounts}
    rows = []
    for row in reasons:
        if (rule := _rule(row)) in listed:
            of = landed.get((row["source"], row["night"]))
            share = row["rows"] / of if of else None
            rows.append(
                {"night": row["night"], "rule": rule, "rows": row["rows"], "landed": of, "share": share}
            )
    return figure.plain_rows(sorted(rows, key=lambda row: (listed.index(row["rule"]), row["night"])))


def _heat_map(nights: Sequence[date]) -> alt.Chart:
    legend = alt.Legend(title="share of rows", orient="top", format=".1%", gradientLength=140, tickCount=3)
    chart: alt.Chart = (
        alt.Chart(figure.ROWS)
        .mark_rect(stroke="white", strokeWidth=1)
        .encode(
            x=figure.night_axis(nights),
            y=figure.name_axis("rule"),
            color=alt.Color(
                "share:Q", scale=alt.Scale(type="sqrt", scheme="blues", zero=True), legend=legend
            ),
            tooltip=figure.tooltip(
                night="night", rule="rule", rows="rows|,", landed="of|,", share="share|.2%"
            ),
        )
    )
    return chart


def _rule(row: Row) -> str:
    return f"{row['source']}: {row['reason']}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"
