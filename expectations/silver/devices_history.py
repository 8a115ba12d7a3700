"""`silver.devices_history`: every version of every device (SCD2)."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag
from expectations.conditions import no_row_where, where
from expectations.device import IMAGE

EXPECTATIONS: list[Expectation] = [
    *IMAGE,
    ExpectColumnValuesToNotBeNull(column="valid_from", meta=fail("a version without a beginning")),
    no_row_where("valid_to <= valid_from", fail("a version ends before it begins")),
    no_row_where(
        "is_current <> (valid_to IS NULL)", fail("a current version with an end, or a former one without")
    ),
    ExpectColumnValuesToBeUnique(
        column="device_id",
        row_condition=where("is_current"),
        meta=fail("a device has two current versions"),
    ),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no device was ever registered")),
    ExpectCompoundColumnsToBeUnique(
        column_list=["device_id", "valid_from"], meta=fail("two versions of a device begin at once")
    ),
]
