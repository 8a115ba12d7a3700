"""`gold.fleet_last_seen`: where each vehicle was last seen on a day."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag
from expectations.conditions import no_row_where
from expectations.silver.telemetry import RANGES


def _in_range(column: str, measured: str) -> Expectation:
    lowest, highest, name = RANGES[measured]
    return ExpectColumnValuesToBeBetween(
        column=column, min_value=lowest, max_value=highest, meta=fail(f"{name} outside {lowest} to {highest}")
    )


EXPECTATIONS: list[Expectation] = [
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no vehicle was seen")),
    ExpectColumnValuesToNotBeNull(column="device_id", meta=fail("a position without a vehicle")),
    ExpectColumnValuesToBeBetween(
        column="position_count", min_value=1, meta=fail("a vehicle without positions")
    ),
    _in_range("last_latitude", "latitude"),
    _in_range("last_longitude", "longitude"),
    _in_range("avg_speed_mph", "speed"),
    _in_range("min_fuel_percent", "fuel_level"),
    ExpectCompoundColumnsToBeUnique(
        column_list=["night", "device_id"], meta=fail("a vehicle stands there twice")
    ),
    no_row_where("NOT (to_date(last_seen) <=> night)", fail("a vehicle was last seen on another day")),
]
