"""`gold.alerts`: what somebody should look at."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail
from expectations.conditions import no_row_where

EXPECTATIONS: list[Expectation] = [
    # A quiet night is a good one.
    ExpectTableRowCountToBeBetween(min_value=0, meta=fail("rows cannot be counted")),
    ExpectColumnValuesToNotBeNull(column="alert_id", meta=fail("an alert without an id")),
    ExpectColumnValuesToBeUnique(column="alert_id", meta=fail("an alert stands there twice")),
    ExpectColumnValuesToNotBeNull(column="device_id", meta=fail("an alert about no device")),
    ExpectColumnValuesToNotBeNull(column="kind", meta=fail("an alert of no kind")),
    ExpectColumnValuesToBeInSet(
        column="severity", value_set=["Critical", "Warning"], meta=fail("unknown severity")
    ),
    no_row_where(
        "NOT (event_date <=> to_date(raised_at))", fail("an alert on another date than it was raised")
    ),
    no_row_where(
        "severity = 'Warning' AND NOT coalesce(value <> threshold, false)",
        fail("a warning without a value beyond its threshold"),
    ),
]
