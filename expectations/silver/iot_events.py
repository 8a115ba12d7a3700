"""`silver.iot_events`: events with an object of changing keys, of sensors that the registry does not know."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag, quarantine
from expectations.conditions import no_row_where
from expectations.facts import IN_TIME
from expectations.ranges import Range, in_ranges

RANGES: dict[str, Range] = {
    "battery_level": (0, 100, "battery level"),
    "temperature": (-20, 60, "temperature"),
    "humidity": (0, 100, "humidity"),
    "pressure": (950, 1070, "pressure"),
    "signal_strength": (-120, 0, "signal strength"),
    "uptime_hours": (0, None, "uptime"),
    "fault_count": (0, None, "fault count"),
}


EXPECTATIONS: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="event_id", meta=quarantine("no event_id")),
    *IN_TIME,
    ExpectColumnValuesToNotBeNull(column="sensor_id", meta=quarantine("no sensor_id")),
    ExpectColumnValuesToNotBeNull(column="device_type", meta=quarantine("no device type")),
    ExpectColumnValuesToNotBeNull(column="status", meta=quarantine("no status")),
    no_row_where(
        "payload IS NULL OR schema_of_variant(payload) NOT LIKE 'OBJECT%'",
        quarantine("the payload is no JSON object"),
    ),
    *in_ranges(RANGES),
    no_row_where("maintenance_due < last_calibration", quarantine("maintenance due before the calibration")),
    no_row_where("updated_at < created_at", quarantine("updated before it was created")),
    # On Sundays, the maintenance window is a sixth of the day.
    ExpectColumnValuesToNotBeNull(column="temperature", mostly=0.75, meta=flag("no temperature")),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no events with a payload arrived")),
    ExpectColumnValuesToBeUnique(column="event_id", meta=fail("an event stands there twice")),
]
