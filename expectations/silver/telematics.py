"""`silver.telematics`: positions of dbldatagen's own data set. Its devices are none of the registry's."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag, quarantine
from expectations.conditions import no_row_where

RANGES = {"latitude": (-90, 90), "longitude": (-180, 180), "heading": (0, 359)}


def _present(column: str) -> Expectation:
    return ExpectColumnValuesToNotBeNull(column=column, meta=quarantine(f"no {column}"))


def _in_range(column: str) -> Expectation:
    lowest, highest = RANGES[column]
    return ExpectColumnValuesToBeBetween(
        column=column,
        min_value=lowest,
        max_value=highest,
        meta=quarantine(f"{column} outside {lowest} to {highest}"),
    )


EXPECTATIONS: list[Expectation] = [
    _present("device_id"),
    ExpectColumnValuesToNotBeNull(column="timestamp", meta=quarantine("no usable timestamp")),
    no_row_where("event_date > _night", quarantine("dated after the night it arrived")),
    *map(_present, RANGES),
    *map(_in_range, RANGES),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no positions arrived")),
    ExpectCompoundColumnsToBeUnique(
        column_list=["device_id", "timestamp"], meta=fail("a position of a device stands there twice")
    ),
]
