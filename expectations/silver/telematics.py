"""`silver.telematics`: positions of dbldatagen's own data set. Its devices are none of the registry's."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag, quarantine
from expectations.facts import IN_TIME
from expectations.ranges import Range, in_ranges

RANGES: dict[str, Range] = {
    "latitude": (-90, 90, "latitude"),
    "longitude": (-180, 180, "longitude"),
    "heading": (0, 359, "heading"),
}


def _present(column: str) -> Expectation:
    return ExpectColumnValuesToNotBeNull(column=column, meta=quarantine(f"no {column}"))


EXPECTATIONS: list[Expectation] = [
    _present("device_id"),
    *IN_TIME,
    *map(_present, RANGES),
    *in_ranges(RANGES),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no positions arrived")),
    ExpectCompoundColumnsToBeUnique(
        column_list=["device_id", "timestamp"], meta=fail("a position of a device stands there twice")
    ),
]
