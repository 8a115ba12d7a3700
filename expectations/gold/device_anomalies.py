"""`gold.device_anomalies`: devices that keep reporting anomalies."""

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
    # No rows are good news.
    ExpectTableRowCountToBeBetween(min_value=0, meta=fail("rows cannot be counted")),
    ExpectColumnValuesToNotBeNull(column="device_id", meta=fail("anomalies without a device")),
    ExpectColumnValuesToBeBetween(column="anomaly_count", min_value=11, meta=fail("10 anomalies or fewer")),
    ExpectCompoundColumnsToBeUnique(
        column_list=["night", "device_id", "metric_name"], meta=fail("a device and metric stand there twice")
    ),
    no_row_where("anomaly_count > reading_count", fail("more anomalies than readings")),
]
