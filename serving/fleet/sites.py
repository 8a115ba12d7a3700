"""The sites on a map and what happened at them in 30 days, from `gold.site_events`; their names from silver."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import altair as alt

from serving.conditions import Condition
from serving.fleet import figure
from serving.fleet.figure import Figure, Row, Section
from serving.fleet.map_view import View, mercator
from serving.readable import SITE_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from serving.fleet.filters import Filters
    from serving.fleet.snapshot import Snapshot

TABLE = "gold.site_events"
TABLES = (TABLE, SITE_NAMES)
COLUMNS = ["device_id", "location_id", "latitude", "longitude", "event_count", "critical_count"]
COASTS = "vendor/land-110m.json"
APART = 1 / 14  # of the map's span: sites that are nearer than this share a circle
LISTED = 12
EMPTY = "No site of this night has a position. Choose another night, or run one."
# Names stand beside circles, where there is room: which half of the map, to which side, how far away in pixels.
WEST_AND_EAST: tuple[tuple[str, Literal["left", "right"], int], ...] = (
    ("<", "left", 20),
    (">=", "right", -20),
)
NO_EVENT = "No event happened at any site in these 30 days."


def section(snapshot: Snapshot, filters: Filters, night: date) -> Section | None:
    """A map and a ranking; None in a lake without the table. Grain: site, or device of the site asked for."""
    if TABLE not in snapshot:
        return None
    devices = figure.plain_rows(snapshot.rows(TABLE, COLUMNS, [Condition("night", "eq", night)]))
    sites = sites_of(devices, registry_of(snapshot))
    problem, chosen = "", None
    if filters.site is not None:
        chosen = next((site for site in sites if site["location_id"] == filters.site), None)
        problem = (
            "" if chosen else f"site: no device of this night stands at site {filters.site}; choose another"
        )
    if chosen:
        here = [device for device in devices if device["location_id"] == chosen["location_id"]]
        ranking = _devices_figure(here, chosen["name"])
        links = [("all sites", filters.link("sites", site=None))]
        links += [
            (f"device {row['device_id']}", filters.link("device", device=row["device_id"]))
            for row in ranking.rows
        ]
    else:
        ranking = _sites_figure(sites)
        links = [(site["name"], filters.link("sites", site=site["location_id"])) for site in sites[:LISTED]]
    return Section("sites", "Sites", "", [map_of(sites, chosen), ranking], links, problem)


def registry_of(snapshot: Snapshot) -> dict[int, Row]:
    """Name and region of each site, by its id; nothing in a lake that has no sites of its own."""
    rows = snapshot.rows(SITE_NAMES, ["location_id", "name", "region"]) if SITE_NAMES in snapshot else []
    return {row["location_id"]: row for row in rows}


def sites_of(devices: Sequence[Row], registry: Mapping[int, Row]) -> list[Row]:
    """A row for each site, the one with the most critical events first; its position is the mean of its devices'.

    Where the registry has no name, its id is one. Devices without a site or a position are left out.
    """
    found: dict[int, list[Row]] = {}
    for device in devices:
        if None not in (device["location_id"], device["latitude"], device["longitude"]):
            found.setdefault(device["location_id"], []).append(device)
    sites = [
        {
            "location_id": site,
            **_called(site, registry.get(site, {})),
            "latitude": sum(row["latitude"] for row in rows) / len(rows),
            "longitude": sum(row["longitude"] for row in rows) / len(rows),
            "devices": len(rows),
            "events": sum(row["event_count"] or 0 for row in rows),
            "critical": sum(row["critical_count"] or 0 for row in rows),
        }
        for site, rows in found.items()
    ]
    return sorted(sites, key=lambda site: (-site["critical"], -site["events"], site["location_id"]))


def circles_of(sites: Sequence[Row], view: View) -> list[Row]:
    """Sites that would cover each other as one row: its middle, how many, and the sums of what they have."""
    groups: list[list[Row]] = []
    for site in sites:
        near = (group for group in groups if _distance(group[0], site) < view.span * APART)
        if group := next(near, None):
            group.append(site)
        else:
            groups.append([site])
    return [
        {
            "name": group[0]["name"] if len(group) == 1 else _together(group),
            **{axis: sum(site[axis] for site in group) / len(group) for axis in ("latitude", "longitude")},
            **{count: sum(site[count] for site in group) for count in ("devices", "events", "critical")},
        }
        for group in groups
    ]


def _called(site: int, registered: Row) -> Row:
    name, region = registered.get("name") or f"site {site}", registered.get("region")
    return {"name": f"{name}, {region}" if region else name, "region": region}


def _together(sites: Sequence[Row]) -> str:
    regions = {site["region"] for site in sites}
    region = regions.pop() if len(regions) == 1 else None
    return f"{len(sites):,} sites{f', {region}' if region else ''}"


def map_of(sites: Sequence[Row], chosen: Row | None) -> Figure:
    """The map; a site that was asked for is marked with a diamond."""
    view = View.around(sites)
    rows = circles_of(sites, view)
    most = max((row["critical"] for row in rows), default=0)
    coasts = alt.UrlData(COASTS, format=alt.TopoDataFormat(type="topojson", feature="land"))
    land = alt.Chart(coasts).mark_geoshape(fill="#e6eaf0", stroke="#aab4c0", strokeWidth=0.7, clip=True)
    said = figure.tooltip(
        name="where", devices="devices|,", events="events in 30 days|,", critical="critical|,"
    )
    place: dict[str, Any] = {"longitude": "longitude:Q", "latitude": "latitude:Q"}
    circles = (
        alt.Chart(figure.ROWS)
        .mark_circle(opacity=0.85, stroke="white", strokeWidth=1)
        .encode(
            **place,
            size=alt.Size("devices:Q", scale=alt.Scale(range=[60, 900], zero=True), legend=None),
            color=_critical(most),
            tooltip=said,
        )
    )
    names = [
        alt.Chart(figure.ROWS)
        .mark_text(dx=dx, align=align, baseline="middle", color=figure.BLACK, fontSize=12)
        .encode(**place, text="name:N")
        .transform_filter(f"datum.longitude {side} {view.longitude}")
        for side, align, dx in WEST_AND_EAST
        if len(rows) <= LISTED
    ]
    mark = alt.Chart(alt.NamedData(name="chosen")).mark_point(
        shape="diamond", size=900, strokeWidth=3, color=figure.VERMILION
    )
    chart = alt.layer(land, circles, *names, mark.encode(**place)).project(**view.projection().to_dict())
    darker = "darker: more critical events" if most else "none has a critical event"
    caption = f"Larger: more devices; {darker} in the 30 days until the night."
    return Figure(
        "Where the sites are", caption, chart, rows, EMPTY, 320, {"chosen": [chosen] if chosen else []}
    )


def _critical(most: int) -> alt.Color | Any:
    """Darker for more critical events; of none at all, one colour."""
    if not most:
        return alt.value(figure.SKY)
    legend = alt.Legend(title="critical events", orient="top", gradientLength=140, tickCount=min(3, most))
    return alt.Color("critical:Q", scale=alt.Scale(scheme="viridis", reverse=True, zero=True), legend=legend)


def _sites_figure(sites: Sequence[Row]) -> Figure:
    rows = [site for site in sites if site["events"]][:LISTED]
    have = "the most critical ones" if len(rows) == LISTED else "any"
    which = f"the {len(rows)} of {len(sites):,} sites that have {have}"
    caption = f"Events in the 30 days until the night, of {which}."
    return _ranking("Sites with the most critical events", caption, rows, NO_EVENT)


def _devices_figure(devices: Sequence[Row], site: str) -> Figure:
    ranked = sorted(devices, key=lambda row: (-row["critical_count"], -row["event_count"], row["device_id"]))
    rows = [
        row
        | {
            "name": f"device {row['device_id']}",
            "events": row["event_count"],
            "critical": row["critical_count"],
        }
        for row in ranked[:LISTED]
    ]
    caption = f"Events in the 30 days until the night, of {len(rows)} of the {len(devices):,} devices there."
    return _ranking(f"Devices at {site}", caption, rows, EMPTY)


def _ranking(title: str, caption: str, rows: Sequence[Row], empty: str) -> Figure:
    kinds = {"critical": figure.VERMILION, "others": figure.SKY}
    split = [
        {"name": row["name"], "kind": kind, "count": count, "order": order}
        for row in rows
        for order, (kind, count) in enumerate(
            (("critical", row["critical"]), ("others", row["events"] - row["critical"]))
        )
    ]
    chart = (
        alt.Chart(alt.NamedData(name="split"))
        .mark_bar()
        .encode(
            x=figure.count_length("count", "events"),
            y=figure.name_axis("name"),
            color=figure.coloured("kind", kinds),
            order="order:Q",
            tooltip=figure.tooltip(name="where", kind="which", count="events|,"),
        )
    )
    return Figure(title, caption, chart, rows, empty, max(120, 26 * len(rows) + 60), {"split": split})


def _distance(one: Row, other: Row) -> float:
    """In degrees on the map, where a degree from west to east is as long everywhere."""
    up = math.degrees(mercator(one["latitude"]) - mercator(other["latitude"]))
    return math.hypot(one["longitude"] - other["longitude"], up)
