"""`silver.devices`: the devices that are registered now."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag
from expectations.device import IMAGE

EXPECTATIONS: list[Expectation] = [
    *IMAGE,
    ExpectColumnValuesToNotBeNull(
        column="changed_at", meta=fail("a device without the time of its last change")
    ),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no device is registered")),
    ExpectColumnValuesToBeUnique(column="device_id", meta=fail("a device is registered twice")),
]
