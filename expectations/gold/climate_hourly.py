"""`gold.climate_hourly`: temperature and humidity of each room in each hour."""

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
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no hours")),
    ExpectColumnValuesToNotBeNull(column="location", meta=fail("an hour without a room")),
    ExpectColumnValuesToBeBetween(column="log_count", min_value=1, meta=fail("an hour without rows")),
    ExpectColumnValuesToBeBetween(
        column="avg_temperature_f",
        min_value=-40,
        max_value=140,
        meta=fail("average temperature outside -40 to 140 °F"),
    ),
    ExpectColumnValuesToBeBetween(
        column="avg_humidity_percent",
        min_value=0,
        max_value=100,
        meta=fail("average humidity outside 0 to 100 percent"),
    ),
    ExpectCompoundColumnsToBeUnique(
        column_list=["location", "hour"], meta=fail("an hour of a room stands there twice")
    ),
    no_row_where(
        "NOT (to_date(hour) = event_date AND hour = date_trunc('HOUR', hour))",
        fail("an hour is not an hour of its date"),
    ),
]
