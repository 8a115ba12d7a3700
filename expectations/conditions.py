"""Expectations on SQL conditions over several columns."""

from great_expectations.expectations import (
    Expectation,
    ExpectTableRowCountToBeBetween,
    ExpectTableRowCountToEqual,
)
from great_expectations.expectations.conditions import PassThroughCondition

from expectations.actions import Meta


def where(condition: str) -> PassThroughCondition:
    """Return a `row_condition`: the expectation is only about rows that meet a SQL condition."""
    return PassThroughCondition(pass_through_filter=condition)


def no_row_where(condition: str, meta: Meta) -> Expectation:
    """Return the expectation that no row meets a SQL condition; it can be enforced as a row rule."""
    return ExpectTableRowCountToEqual(value=0, row_condition=where(condition), meta=meta)


def one_value_per_key(column: str, key: str, meta: Meta) -> Expectation:
    """Return the expectation that rows of one key have one value in a column.

    No row rule: one row alone cannot break it.
    """
    of_key = f"OVER (PARTITION BY {key})"
    differs = f"{key} IS NOT NULL AND min({column}) {of_key} < max({column}) {of_key}"
    return ExpectTableRowCountToBeBetween(max_value=0, row_condition=where(differs), meta=meta)
