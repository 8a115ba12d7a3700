"""`gold.readings_5min`: what each live sensor measured in each five minutes."""

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
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no windows")),
    ExpectColumnValuesToNotBeNull(column="device_type", meta=fail("a window without a device type")),
    ExpectColumnValuesToNotBeNull(column="avg_reading", meta=fail("a window without an average")),
    ExpectColumnValuesToBeBetween(
        column="reading_count", min_value=1, meta=fail("a window without readings")
    ),
    ExpectCompoundColumnsToBeUnique(
        column_list=["device_id", "window_start"], meta=fail("a window of a device stands there twice")
    ),
    no_row_where(
        "NOT (to_date(window_start) = event_date AND minute(window_start) % 5 = 0 "
        "AND second(window_start) = 0 AND window_end = window_start + INTERVAL 5 MINUTES)",
        fail("a window is not five minutes of its date"),
    ),
    # An average is rounded to 6 digits.
    no_row_where(
        "NOT (avg_reading BETWEEN min_reading - 1e-6 AND max_reading + 1e-6)",
        fail("an average outside minimum to maximum"),
    ),
    no_row_where(
        "NOT (anomaly_count BETWEEN 0 AND reading_count)",
        fail("more anomalies than readings"),
    ),
]
