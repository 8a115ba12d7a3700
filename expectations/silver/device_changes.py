"""`silver.device_changes`: the registry's change feed."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag, quarantine
from expectations.conditions import no_row_where
from expectations.device import IMAGE

EXPECTATIONS: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="sequence", meta=quarantine("no sequence number")),
    ExpectColumnValuesToNotBeNull(column="changed_at", meta=quarantine("no usable operation date")),
    # A version of the future would be the current one until then.
    no_row_where(
        "to_date(changed_at) > _night",
        quarantine("dated after it arrived", on_arrival="changed_at > _latest_time"),
    ),
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
