"""`gold.failure_predictions`: how likely a defect was, as a model says that has not seen the outcome."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail
from expectations.conditions import no_row_where

EXPECTATIONS: list[Expectation] = [
    # Without a model that beats the rule there are none.
    ExpectTableRowCountToBeBetween(min_value=0, meta=fail("rows cannot be counted")),
    ExpectColumnValuesToNotBeNull(column="device_id", meta=fail("a prediction about no machine")),
    ExpectColumnValuesToNotBeNull(column="timestamp", meta=fail("a prediction about no inspection")),
    ExpectColumnValuesToNotBeNull(column="probability", meta=fail("a prediction without a probability")),
    ExpectColumnValuesToBeBetween(
        column="probability", min_value=0, max_value=1, meta=fail("probability outside 0 to 1")
    ),
    ExpectColumnValuesToNotBeNull(column="model_version", meta=fail("a prediction of no model")),
    no_row_where(
        "NOT coalesce(trained_until < event_date, false)", fail("a model that may have seen the outcome")
    ),
    ExpectCompoundColumnsToBeUnique(
        column_list=["device_id", "timestamp"], meta=fail("an inspection stands there twice")
    ),
]
