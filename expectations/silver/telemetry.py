"""`silver.telemetry`: where vehicles were."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag, quarantine
from expectations.facts import FACT
from expectations.ranges import Range, in_ranges

RANGES: dict[str, Range] = {
    "latitude": (36.9, 38.1, "latitude"),
    "longitude": (-122.6, -121.4, "longitude"),
    "altitude": (-100, 1000, "altitude"),
    "speed": (0, 120, "speed"),
    "heading": (0, 359, "heading"),
    "fuel_level": (0, 100, "fuel level"),
    "engine_temp": (100, 300, "engine temperature"),
}


EXPECTATIONS: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="telemetry_id", meta=quarantine("no telemetry_id")),
    *FACT,
    *in_ranges(RANGES),
    ExpectColumnValuesToNotBeNull(column="fuel_level", mostly=0.9, meta=flag("no fuel level")),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no positions arrived")),
    ExpectColumnValuesToBeUnique(column="telemetry_id", meta=fail("a position stands there twice")),
]
