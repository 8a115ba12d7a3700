"""`gold.sensor_hourly`: what each device measured in each hour."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag
from expectations.conditions import no_row_where
from expectations.silver.readings import RANGES

EXPECTATIONS: list[Expectation] = [
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no hours")),
    ExpectColumnValuesToNotBeNull(column="event_date", meta=fail("an hour without a date")),
    ExpectColumnValuesToBeInSet(column="metric_name", value_set=list(RANGES), meta=fail("unknown metric")),
    ExpectColumnValuesToBeBetween(column="reading_count", min_value=1, meta=fail("an hour without readings")),
    ExpectColumnValuesToBeBetween(
        column="stddev_value", min_value=0, meta=fail("negative standard deviation")
    ),
    ExpectCompoundColumnsToBeUnique(
        column_list=["device_id", "metric_name", "hour"], meta=fail("an hour of a device stands there twice")
    ),
    no_row_where(
        "NOT (to_date(hour) = event_date AND hour = date_trunc('HOUR', hour))",
        fail("an hour is not an hour of its date"),
    ),
    no_row_where(
        "NOT ((avg_value IS NULL) = (min_value IS NULL) AND (avg_value IS NULL) = (max_value IS NULL))",
        fail("an hour with values lacks one of average, minimum and maximum"),
    ),
    # An average is rounded to 6 digits.
    no_row_where(
        "NOT (avg_value BETWEEN min_value - 1e-6 AND max_value + 1e-6)",
        fail("an average outside minimum to maximum"),
    ),
    no_row_where(
        "NOT (anomaly_count BETWEEN 0 AND reading_count)",
        fail("more anomalies than readings"),
    ),
]
