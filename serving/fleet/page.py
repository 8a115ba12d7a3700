"""The fleet page as HTML: its sections, each made anew only when one of its tables or the filters changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from catalog.lineage import made_from
from catalog.pipeline import ROW_ACCOUNTS
from serving.fleet import alerts, climate, device, devices, lineage, quality, restated, sites
from serving.fleet.figure import Section
from serving.fleet.filters import DAYS, Filters
from serving.fleet.snapshot import Snapshot
from serving.problems import Problem
from serving.readable import readable

SECTIONS = (climate, device, sites, devices, alerts, quality, restated, lineage)
REPORTED = (climate, devices, alerts, quality)  # what a night's report shows, too
NIGHTS_LISTED = 400
KEPT = 96  # sections, of some hundred kilobytes each

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def script(value: object) -> Markup:
    """JSON for a script element, which no text in it can end."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped above


_ENVIRONMENT.filters["script"] = script


def render(
    snapshot: Snapshot,
    filters: Filters,
    problems: Sequence[str],
    running: Sequence[str],
    modules: Sequence[ModuleType] = SECTIONS,
) -> str:
    """The page of a lake; `problems` are lines about filters, `running` the DAGs that are at work.

    Of fewer modules than all there are the charts alone, for another page to show.
    """
    nights, newest = nights_of(snapshot)
    problems = list(problems)
    night = newest
    if filters.night and night and filters.night not in nights:
        problems.append(
            f"night: {filters.night} has no rows; the newest is {nights[0]}, the first {nights[-1]}"
        )
        filters = replace(filters, night=None)
    elif filters.night:
        night = filters.night
    sections = sections_of(snapshot, filters, night, modules) if night else []
    problems += [section.problem for section in sections if section.problem]
    return _ENVIRONMENT.get_template("page.html").render(
        is_whole=modules is SECTIONS,
        filters=filters,
        night=night,
        nights=nights[:NIGHTS_LISTED],
        all_days=DAYS,
        problems=problems,
        running=running,
        sections=sections,
        tables=[table for name, table in readable().items() if name in snapshot],
        snapshot=snapshot,
        ways=made_from(),
        has_report=night is not None and (snapshot.lake / f"data-docs/nights/{night}.html").is_file(),
        state=state(snapshot, running),
    )


def state(snapshot: Snapshot, running: Sequence[str]) -> dict[str, object]:
    """What a page that is shown asks again and again: whether there is anything new, and whether more may come."""
    return {"versions": dict(snapshot.versions), "running": list(running)}


def nights_of(snapshot: Snapshot) -> tuple[list[date], date | None]:
    """The nights that have accounts, newest first; and the newest that is published, if any is."""
    if ROW_ACCOUNTS not in snapshot:
        return [], None
    found = (
        snapshot.read(ROW_ACCOUNTS, ["night", "is_published"])
        .group_by("night")
        .aggregate([("is_published", "min")])
    )
    published = {row["night"]: row["is_published_min"] for row in found.to_pylist()}
    nights = sorted(published, reverse=True)
    return nights, next((night for night in nights if published[night]), next(iter(nights), None))


def sections_of(
    snapshot: Snapshot, filters: Filters, night: date, modules: Sequence[ModuleType] = SECTIONS
) -> list[Section]:
    """The sections of what the lake has tables for."""
    made = (_section(module, snapshot.only(module.TABLES), filters, night) for module in modules)
    return [section for section in made if section]


@lru_cache(maxsize=KEPT)
def _section(module: ModuleType, snapshot: Snapshot, filters: Filters, night: date) -> Section | None:
    try:
        made: Section | None = module.section(snapshot, filters, night)
    except Problem as problem:
        name = module.__name__.rpartition(".")[2]
        return Section(name, name.title(), problem=problem.detail)
    return made
