"""`silver.sensor_logs`: room climate. People deliver these files by hand, so any date is allowed."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag, quarantine

EXPECTATIONS: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="sensor_id", meta=quarantine("no sensor_id")),
    ExpectColumnValuesToNotBeNull(column="timestamp", meta=quarantine("no usable timestamp")),
    ExpectColumnValuesToNotBeNull(column="location", meta=quarantine("no location")),
    ExpectColumnValuesToBeInSet(
        column="location",
        value_set=["Room_A", "Room_B", "Room_C", "Room_D"],
        meta=quarantine("unknown location"),
    ),
    ExpectColumnValuesToBeBetween(
        column="temperature",
        min_value=-40,
        max_value=140,
        meta=quarantine("temperature outside -40 to 140 °F"),
    ),
    ExpectColumnValuesToBeBetween(
        column="humidity", min_value=0, max_value=100, meta=quarantine("humidity outside 0 to 100 percent")
    ),
    ExpectColumnValuesToNotBeNull(column="temperature", mostly=0.9, meta=flag("no temperature")),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no sensor logs arrived")),
    ExpectCompoundColumnsToBeUnique(
        column_list=["sensor_id", "timestamp"], meta=fail("a sensor has two rows for one instant")
    ),
]
