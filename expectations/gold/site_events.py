"""`gold.site_events`: where events happen: each device's position and its events."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag
from expectations.conditions import no_row_where

EXPECTATIONS: list[Expectation] = [
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no device is registered")),
    ExpectColumnValuesToNotBeNull(column="device_id", meta=fail("events without a device")),
    ExpectColumnValuesToNotBeNull(column="event_count", meta=fail("a device without a count of events")),
    ExpectColumnValuesToBeBetween(
        column="latitude", min_value=-90, max_value=90, meta=fail("latitude outside -90 to 90")
    ),
    ExpectColumnValuesToBeBetween(
        column="longitude", min_value=-180, max_value=180, meta=fail("longitude outside -180 to 180")
    ),
    ExpectCompoundColumnsToBeUnique(
        column_list=["night", "device_id"], meta=fail("a device stands there twice")
    ),
    no_row_where(
        "NOT (critical_count BETWEEN 0 AND event_count)",
        fail("more critical events than events"),
    ),
]
