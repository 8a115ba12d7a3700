"""`silver.device_registry`: the devices of the initial load."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail
from expectations.device import IMAGE

EXPECTATIONS: list[Expectation] = [
    *IMAGE,
    # Lands on the first night only; on any other night no rows are right.
    ExpectTableRowCountToBeBetween(min_value=0, meta=fail("rows cannot be counted")),
    ExpectColumnValuesToBeUnique(column="device_id", meta=fail("a device is registered twice")),
]
