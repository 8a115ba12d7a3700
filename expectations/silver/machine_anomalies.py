"""`silver.machine_anomalies`: readings of factory machines that meet a rule of the maintenance engineers."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail
from expectations.conditions import no_row_where

EXPECTATIONS: list[Expectation] = [
    # No rows are good news.
    ExpectTableRowCountToBeBetween(min_value=0, meta=fail("rows cannot be counted")),
    ExpectColumnValuesToNotBeNull(column="device_id", meta=fail("an anomaly without a machine")),
    no_row_where("size(rules) = 0", fail("an anomaly that meets no rule")),
    # Written out once more, not taken from the table's own code.
    no_row_where(
        "NOT coalesce((delay > 155 AND rotation_speed > 800) OR temperature > 101 "
        "OR (density > 4.6 AND air_pressure < 840), false)",
        fail("a reading that is no anomaly"),
    ),
    ExpectCompoundColumnsToBeUnique(
        column_list=["device_id", "timestamp"], meta=fail("an anomaly stands there twice")
    ),
]
