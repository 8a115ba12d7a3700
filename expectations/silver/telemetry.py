"""`silver.telemetry`: where vehicles were."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag, quarantine
from expectations.facts import FACT

# Column -> lowest, highest, what a reason calls it.
RANGES = {
    "latitude": (36.9, 38.1, "latitude"),
    "longitude": (-122.6, -121.4, "longitude"),
    "altitude": (-100, 1000, "altitude"),
    "speed": (0, 120, "speed"),
    "heading": (0, 359, "heading"),
    "fuel_level": (0, 100, "fuel level"),
    "engine_temp": (100, 300, "engine temperature"),
}


def _in_range(column: str) -> Expectation:
    lowest, highest, name = RANGES[column]
    return ExpectColumnValuesToBeBetween(
        column=column,
        min_value=lowest,
        max_value=highest,
        meta=quarantine(f"{name} outside {lowest} to {highest}"),
    )


EXPECTATIONS: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="telemetry_id", meta=quarantine("no telemetry_id")),
    *FACT,
    *map(_in_range, RANGES),
    ExpectColumnValuesToNotBeNull(column="fuel_level", mostly=0.9, meta=flag("no fuel level")),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no positions arrived")),
    ExpectColumnValuesToBeUnique(column="telemetry_id", meta=fail("a position stands there twice")),
]
