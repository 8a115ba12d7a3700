"""Expectations of a table into which a source is streamed without the landing zone.

No stage of a night reads its rows, so what does not hold is reported and stops no night.
"""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import flag


def stream(fields: list[str], key: tuple[str, ...]) -> list[Expectation]:
    """Expect every field in every row, and no key twice; a night without rows passes."""
    return [
        ExpectTableRowCountToBeBetween(min_value=0, meta=flag("rows cannot be counted")),
        *[
            ExpectColumnValuesToNotBeNull(column=field, meta=flag(f"rows without {field}"))
            for field in fields
        ],
        _once(key),
    ]


def _once(key: tuple[str, ...]) -> Expectation:
    meta = flag("a row stands there twice")
    if len(key) == 1:
        return ExpectColumnValuesToBeUnique(column=key[0], meta=meta)
    return ExpectCompoundColumnsToBeUnique(column_list=list(key), meta=meta)
