"""The sites on a map and what happened at them in 30 days, from `gold.site_events`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import altair as alt

from serving.conditions import Condition
from serving.fleet import figure
from serving.fleet.figure import Figure, Row, Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serving.fleet.filters import Filters
    from serving.fleet.source import Source

TABLE = "gold.site_events"
TABLES = (TABLE,)
COLUMNS = ["device_id", "location_id", "latitude", "longitude", "event_count", "critical_count"]
COASTS = "vendor/land-110m.json"
LEAST_SPAN = 8.0  # degrees that the map shows at least: its coastlines are coarse
MARGIN = 1.5  # times what the sites span
APART = 1 / 14  # of the map's span: sites that are nearer than this share a circle
LISTED = 12
EMPTY = "No site of this night has a position. Choose another night, or run one."


@dataclass(frozen=True)
class View:
    """The part of the world that a map shows: its middle and its extents, in degrees and in Mercator's radians."""

    longitude: float
    latitude: float
    width: float
    height: float

    @property
    def span(self) -> float:
        """From left to right, degrees."""
        return math.degrees(self.width)

    def projection(self) -> alt.Projection:
        """Mercator's, as large as the place of the chart allows."""
        return alt.Projection(
            type="mercator",
            center=[self.longitude, self.latitude],
            scale=alt.expr(f"min(width / {self.width:.5f}, height / {self.height:.5f})"),
            translate=alt.expr("[width / 2, height / 2]"),
        )

    @classmethod
    def around(cls, sites: Sequence[Row]) -> View:
        """A view that has all sites in it; of none, the whole world."""
        if not sites:
            return cls(0, 20, 2 * math.pi, 3.2)
        west, east = _ends(site["longitude"] for site in sites)
        south, north = _ends(_mercator(site["latitude"]) for site in sites)
        least = math.radians(LEAST_SPAN)
        width = max(least, MARGIN * math.radians(east - west))
        height = max(least / 2, MARGIN * (north - south))
        return cls((west + east) / 2, _latitude((south + north) / 2), width, height)


def section(source: Source, filters: Filters, night: date) -> Section | None:
    """A map and a ranking; None in a lake without the table. Grain: site, or device of the site asked for."""
    if TABLE not in source:
        return None
    devices = figure.plain_rows(source.rows(TABLE, COLUMNS, [Condition("night", "eq", night)]))
    sites = sites_of(devices)
    problem, chosen = "", None
    if filters.site is not None:
        chosen = next((site for site in sites if site["location_id"] == filters.site), None)
        problem = (
            "" if chosen else f"site: no device of this night stands at site {filters.site}; choose another"
        )
    if chosen:
        here = [device for device in devices if device["location_id"] == chosen["location_id"]]
        ranking = _devices_figure(here, chosen["location_id"])
        links = [("all sites", filters.link("sites", site=None))]
        links += [
            (f"device {row['device_id']}", filters.link("device", device=row["device_id"]))
            for row in ranking.rows
        ]
    else:
        ranking = _sites_figure(sites)
        links = [
            (f"site {row['location_id']}", filters.link("sites", site=row["location_id"]))
            for row in ranking.rows
        ]
    return Section("sites", "Sites", "", [map_of(sites, chosen), ranking], links, problem)


def sites_of(devices: Sequence[Row]) -> list[Row]:
    """A row for each site, the one with the most critical events first; its position is the mean of its devices'.

    Devices without a site or a position are left out.
    """
    found: dict[int, list[Row]] = {}
    for device in devices:
        if None not in (device["location_id"], device["latitude"], device["longitude"]):
            found.setdefault(device["location_id"], []).append(device)
    sites = [
        {
            "location_id": site,
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
            "name": f"site {group[0]['location_id']}" if len(group) == 1 else f"{len(group):,} sites",
            **{axis: sum(site[axis] for site in group) / len(group) for axis in ("latitude", "longitude")},
            **{count: sum(site[count] for site in group) for count in ("devices", "events", "critical")},
        }
        for group in groups
    ]


def map_of(sites: Sequence[Row], chosen: Row | None) -> Figure:
    """The map; a site that was asked for is marked with a diamond."""
    view = View.around(sites)
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
            color=alt.Color(
                "critical:Q",
                scale=alt.Scale(scheme="viridis", reverse=True, zero=True),
                legend=alt.Legend(title="critical events", orient="top", gradientLength=140, tickCount=3),
            ),
            tooltip=said,
        )
    )
    names = (
        alt.Chart(figure.ROWS)
        .mark_text(dy=24, color=figure.BLACK, fontSize=12)
        .encode(**place, text="name:N")
    )
    mark = alt.Chart(alt.NamedData(name="chosen")).mark_point(
        shape="diamond", size=900, strokeWidth=3, color=figure.VERMILION
    )
    rows = circles_of(sites, view)
    few = names if len(rows) <= LISTED else names.transform_filter("false")
    chart = alt.layer(land, circles, few, mark.encode(**place)).project(**view.projection().to_dict())
    note = "Larger: more devices; darker: more critical events in the 30 days until the night."
    return Figure(
        "Where the sites are", note, chart, rows, EMPTY, 320, {"chosen": [chosen] if chosen else []}
    )


def _sites_figure(sites: Sequence[Row]) -> Figure:
    rows = [site | {"name": f"site {site['location_id']}"} for site in sites[:LISTED]]
    which = f"the {len(rows)} of {len(sites):,} sites that have the most critical ones"
    note = f"Events in the 30 days until the night, of {which}."
    return _ranking("Sites with the most critical events", note, rows)


def _devices_figure(devices: Sequence[Row], site: int) -> Figure:
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
    note = f"Events in the 30 days until the night, of {len(rows)} of the {len(devices):,} devices there."
    return _ranking(f"Devices at site {site}", note, rows)


def _ranking(title: str, note: str, rows: Sequence[Row]) -> Figure:
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
            x=alt.X("count:Q", title="events", axis=alt.Axis(tickCount=5, tickMinStep=1)),
            y=figure.name_axis("name"),
            color=figure.coloured("kind", kinds),
            order="order:Q",
            tooltip=figure.tooltip(name="where", kind="which", count="events|,"),
        )
    )
    return Figure(title, note, chart, rows, EMPTY, 320, {"split": split})


def _ends(values: Any) -> tuple[float, float]:
    found = sorted(values)
    return found[0], found[-1]


def _distance(one: Row, other: Row) -> float:
    """In degrees on the map, where a degree from west to east is as long everywhere."""
    up = math.degrees(_mercator(one["latitude"]) - _mercator(other["latitude"]))
    return math.hypot(one["longitude"] - other["longitude"], up)


def _mercator(latitude: float) -> float:
    nearest = max(-85.0, min(85.0, latitude))  # the poles are infinitely far away
    return math.asinh(math.tan(math.radians(nearest)))


def _latitude(mercator: float) -> float:
    return math.degrees(math.atan(math.sinh(mercator)))
