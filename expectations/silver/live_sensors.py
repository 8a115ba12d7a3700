"""`silver.live_sensors`: what the sensors of a site measure; the registry of devices does not know them."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag, quarantine
from expectations.facts import IN_TIME

TYPES = ["temperature", "pressure", "humidity", "vibration"]
LOCATIONS = ["building_a", "building_b", "building_c", "warehouse"]

EXPECTATIONS: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="reading_id", meta=quarantine("no reading_id")),
    ExpectColumnValuesToNotBeNull(column="device_id", meta=quarantine("no device_id")),
    *IN_TIME,
    ExpectColumnValuesToNotBeNull(column="device_type", meta=quarantine("no device type")),
    ExpectColumnValuesToBeInSet(column="device_type", value_set=TYPES, meta=quarantine("unknown type")),
    ExpectColumnValuesToBeInSet(column="location", value_set=LOCATIONS, meta=quarantine("unknown location")),
    ExpectColumnValuesToNotBeNull(column="reading", meta=quarantine("no reading")),
    # 20 to 80, 2 of noise, and up to 70 where it spikes.
    ExpectColumnValuesToBeBetween(
        column="reading", min_value=18, max_value=152, meta=quarantine("reading outside 18 to 152")
    ),
    ExpectColumnValuesToBeBetween(
        column="battery_pct", min_value=0, max_value=100, meta=quarantine("battery outside 0 to 100 percent")
    ),
    ExpectColumnValuesToBeBetween(
        column="signal_strength", min_value=-120, max_value=0, meta=quarantine("signal outside -120 to 0 dBm")
    ),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no readings arrived")),
    ExpectColumnValuesToBeUnique(column="reading_id", meta=fail("a reading stands there twice")),
]
