"""`silver.device_changes`: the registry's change feed."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag, quarantine
from expectations.device import IMAGE

EXPECTATIONS: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="sequence", meta=quarantine("no sequence number")),
    ExpectColumnValuesToNotBeNull(column="changed_at", meta=quarantine("no usable operation date")),
    ExpectColumnValuesToNotBeNull(column="operation", meta=quarantine("no operation")),
    ExpectColumnValuesToBeInSet(
        column="operation", value_set=["INSERT", "UPDATE", "DELETE"], meta=quarantine("unknown operation")
    ),
    ExpectColumnValuesToNotBeNull(column="device_serial", meta=quarantine("no image of the device")),
    *IMAGE,
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no device changed")),
    ExpectCompoundColumnsToBeUnique(
        column_list=["device_id", "sequence"], meta=fail("a change of a device stands there twice")
    ),
]
