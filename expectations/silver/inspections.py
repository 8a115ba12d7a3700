"""`silver.inspections`: inspected parts of factory machines. Without machine or time they are of no use."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag, quarantine
from expectations.facts import NOT_OF_THE_FUTURE

EXPECTATIONS: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="timestamp", meta=quarantine("no usable timestamp")),
    ExpectColumnValuesToNotBeNull(column="device_id", meta=quarantine("no device_id")),
    NOT_OF_THE_FUTURE,
    ExpectColumnValuesToNotBeNull(column="defect", meta=quarantine("no outcome")),
    ExpectColumnValuesToBeInSet(
        column="defect", value_set=[0, 1], meta=quarantine("outcome is neither 0 nor 1")
    ),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no inspections arrived")),
    ExpectCompoundColumnsToBeUnique(
        column_list=["device_id", "timestamp"], meta=fail("a machine has two inspections at one instant")
    ),
]
