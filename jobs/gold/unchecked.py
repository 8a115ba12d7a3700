"""Slices that are left to another run: nights touch them that it has written since this run's check of silver.

Runs may overlap, and be killed. What one of them has not checked it does not stage, and so does not publish; whoever
stages it after a check of his own has the whole slice.
"""

import logging
from collections.abc import Collection, Mapping
from datetime import date

from pyspark.sql import functions as F

from catalog.run_result import DONE
from catalog.tables import SILVER, SOURCES, Table, sources_of
from jobs.delta.frames import is_in, union
from jobs.delta.lake import Lake
from jobs.gold import arrivals
from jobs.settings import Settings
from jobs.state import run_results
from jobs.state.accounts import Nights

Slices = Mapping[Table, Collection[date]]
CHECK = "check_silver"
SHOWN = 5

log = logging.getLogger("jobs")


def checked(settings: Settings) -> Mapping[str, str] | None:
    """Source -> the moment up to which this run's check of silver knows its accounts; None where it had none."""
    of_silver = {source.silver: source.name for source in SOURCES.values()}
    for check in run_results.of_night(settings):
        if check.stage == CHECK and check.status == DONE:
            # An earlier version's result does not say what it saw.
            moments = {each.table.partition(".")[2]: each.detail.get("until") for each in check.tables}
            found = {of_silver[name]: str(until) for name, until in moments.items() if name in of_silver}
            return None if None in moments.values() else found
    return None


def left_out(lake: Lake, slices: Slices, unchecked: Mapping[str, Nights]) -> dict[Table, list[date]]:
    """Of each table that is made from a source with unchecked nights, the slices that these touch; logs them."""
    concerned = {
        table: nights
        for table in slices
        if (nights := [night for source in sources_of(table) for night in unchecked.get(source.name, ())])
    }
    dates = _dates(lake, unchecked) if concerned else {}
    left = {}
    for table, nights in concerned.items():
        if table.slice == "night":
            # What a night looks back on is what had arrived by then.
            left[table] = sorted(day for day in slices[table] if day >= min(nights))
        else:
            left[table] = sorted(arrivals.touched(table, dates).intersection(slices[table]))
    if left:
        named = [
            f"{source} of {night}" for source in sorted(unchecked) for night in sorted(unchecked[source])
        ]
        log.info(
            "left to the runs that check them: %d slices that %s%s touch, written or reconciled since this run's %s",
            sum(map(len, left.values())),
            ", ".join(named[:SHOWN]),
            f" and {len(named) - SHOWN:,} more" if len(named) > SHOWN else "",
            CHECK,
        )
    return left


def _dates(lake: Lake, unchecked: Mapping[str, Nights]) -> dict[str, set[date]]:
    """The event dates of which nights have rows, or have lost some, by source."""
    found = {source: set[date]().union(*nights.values()) for source, nights in unchecked.items()}
    frames = [
        lake.read(f"silver.{SOURCES[source].silver}")
        .where(is_in("_night", nights))
        .select(F.lit(source).alias("source"), "event_date")
        for source, nights in unchecked.items()
        if SILVER[SOURCES[source].silver].is_dated
    ]
    for row in union(frames).where("event_date IS NOT NULL").distinct().collect() if frames else ():
        found[row.source].add(row.event_date)
    return found
