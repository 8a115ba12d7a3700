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
from expectations.ranges import in_range
from expectations.silver.telemetry import RANGES

EXPECTATIONS: list[Expectation] = [
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no vehicle was seen")),
    ExpectColumnValuesToNotBeNull(column="device_id", meta=fail("a position without a vehicle")),
    ExpectColumnValuesToBeBetween(
        column="position_count", min_value=1, meta=fail("a vehicle without positions")
    ),
    in_range("last_latitude", RANGES["latitude"], fail),
    in_range("last_longitude", RANGES["longitude"], fail),
    in_range("avg_speed_mph", RANGES["speed"], fail),
    in_range("min_fuel_percent", RANGES["fuel_level"], fail),
    ExpectCompoundColumnsToBeUnique(
        column_list=["night", "device_id"], meta=fail("a vehicle stands there twice")
    ),
    no_row_where("NOT (to_date(last_seen) <=> night)", fail("a vehicle was last seen on another day")),
]
