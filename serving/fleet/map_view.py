"""The part of the world that a map shows, as Mercator draws it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import altair as alt

from serving.fleet.figure import Row

LEAST_SPAN = 8.0  # degrees that a map shows at least: its coastlines are coarse
MARGIN = 1.5  # times what the sites span


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
        """Mercator's, as large as the place of the chart allows; a place that has no width yet would have no map."""
        return alt.Projection(
            type="mercator",
            center=[self.longitude, self.latitude],
            scale=alt.expr(f"max(1, min(width / {self.width:.5f}, height / {self.height:.5f}))"),
            translate=alt.expr("[width / 2, height / 2]"),
        )

    @classmethod
    def around(cls, sites: Sequence[Row]) -> View:
        """A view that has all sites in it; of none, the whole world."""
        if not sites:
            return cls(0, 20, 2 * math.pi, 3.2)
        west, east = _ends(site["longitude"] for site in sites)
        south, north = _ends(mercator(site["latitude"]) for site in sites)
        least = math.radians(LEAST_SPAN)
        width = max(least, MARGIN * math.radians(east - west))
        height = max(least / 2, MARGIN * (north - south))
        return cls((west + east) / 2, _latitude((south + north) / 2), width, height)


def mercator(latitude: float) -> float:
    """How far up from the equator a latitude is drawn, in radians; the poles are infinitely far away."""
    nearest = max(-85.0, min(85.0, latitude))
    return math.asinh(math.tan(math.radians(nearest)))


def _latitude(mercator: float) -> float:
    return math.degrees(math.atan(math.sinh(mercator)))


def _ends(values: Iterable[float]) -> tuple[float, float]:
    found = sorted(values)
    return found[0], found[-1]
