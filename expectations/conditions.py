"""Expectations on SQL conditions over several columns."""

from great_expectations.expectations import Expectation, ExpectTableRowCountToEqual
from great_expectations.expectations.conditions import PassThroughCondition

from expectations.actions import Meta


def where(condition: str) -> PassThroughCondition:
    """Return a `row_condition`: the expectation is only about rows that meet a SQL condition."""
    return PassThroughCondition(pass_through_filter=condition)


def no_row_where(condition: str, meta: Meta) -> Expectation:
    """Return the expectation that no row meets a SQL condition; it can be enforced as a row rule."""
    return ExpectTableRowCountToEqual(value=0, row_condition=where(condition), meta=meta)
