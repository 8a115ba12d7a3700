"""`silver.inspection_features`: each inspection with what was known of its machine when it took place."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag
from expectations.conditions import no_row_where

EXPECTATIONS: list[Expectation] = [
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no inspections")),
    ExpectColumnValuesToNotBeNull(column="device_id", meta=fail("an inspection without a machine")),
    ExpectColumnValuesToNotBeNull(column="defect", meta=fail("an inspection without an outcome")),
    ExpectColumnValuesToBeInSet(column="defect", value_set=[0, 1], meta=fail("outcome is neither 0 nor 1")),
    # Late trips are inspected on the next day: of a single night, every second trip is not there.
    ExpectColumnValuesToNotBeNull(
        column="sensor_hour_end", mostly=0.4, meta=flag("its machine sent nothing in the day before")
    ),
    no_row_where("sensor_hour_end > timestamp", fail("an inspection knows what came after it")),
    no_row_where(
        "sensor_hour_end < timestamp - INTERVAL 24 HOURS",
        fail("an inspection knows more than the day before it"),
    ),
    no_row_where(
        "sensor_hour_end IS NOT NULL AND (factory_id IS NULL OR model_id IS NULL OR sensor_temperature IS NULL)",
        fail("an hour of a machine without factory, model or temperature"),
    ),
    ExpectCompoundColumnsToBeUnique(
        column_list=["device_id", "timestamp"], meta=fail("an inspection stands there twice")
    ),
]
