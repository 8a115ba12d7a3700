"""`gold.device_health`: how many devices of each type are in which state, and how old they are."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag
from expectations.device import STATUSES, TYPES

EXPECTATIONS: list[Expectation] = [
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no devices")),
    ExpectColumnValuesToNotBeNull(column="device_type", meta=fail("devices without a type")),
    ExpectColumnValuesToBeInSet(column="device_type", value_set=TYPES, meta=fail("unknown device type")),
    ExpectColumnValuesToNotBeNull(column="status", meta=fail("devices without a status")),
    ExpectColumnValuesToBeInSet(column="status", value_set=STATUSES, meta=fail("unknown status")),
    ExpectColumnValuesToBeBetween(column="device_count", min_value=1, meta=fail("a group without devices")),
    ExpectColumnValuesToBeBetween(column="avg_age_days", min_value=0, meta=fail("a negative age")),
    ExpectCompoundColumnsToBeUnique(
        column_list=["night", "device_type", "status"], meta=fail("a group stands there twice")
    ),
]
