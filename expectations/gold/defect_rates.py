"""`gold.defect_rates`: how many parts of a machine were defective, and whether it had run hot."""

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
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no inspections")),
    ExpectColumnValuesToNotBeNull(column="device_id", meta=fail("a rate without a machine")),
    ExpectColumnValuesToNotBeNull(column="factory_id", meta=fail("a rate without a factory")),
    ExpectColumnValuesToNotBeNull(column="model_id", meta=fail("a rate without an engine model")),
    ExpectColumnValuesToBeBetween(
        column="inspection_count", min_value=1, meta=fail("a rate of no inspections")
    ),
    ExpectColumnValuesToBeBetween(
        column="defect_rate", min_value=0, max_value=1, meta=fail("defect rate outside 0 to 1")
    ),
    no_row_where(
        "abs(defect_rate - defect_count / inspection_count) > 0.000001",
        fail("a rate that is not defects by inspections"),
    ),
    no_row_where(
        "NOT (hot_defect_count BETWEEN 0 AND least(defect_count, hot_inspection_count)) "
        "OR hot_inspection_count > inspection_count",
        fail("more hot inspections or defects than there are"),
    ),
    ExpectCompoundColumnsToBeUnique(
        column_list=["event_date", "device_id", "factory_id", "model_id"],
        meta=fail("a machine's day stands there twice"),
    ),
]
