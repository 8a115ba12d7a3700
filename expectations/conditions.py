"""Conditions in SQL, for what no single column can say."""

from great_expectations.expectations import Expectation, ExpectTableRowCountToEqual
from great_expectations.expectations.conditions import PassThroughCondition

from expectations.actions import Meta


def where(condition: str) -> PassThroughCondition:
    """A `row_condition`: the expectation is about the rows that meet a SQL condition."""
    return PassThroughCondition(pass_through_filter=condition)


def no_row_where(condition: str, meta: Meta) -> Expectation:
    """Expect that no row of the table meets a SQL condition; as a row rule, it is about each row."""
    return ExpectTableRowCountToEqual(value=0, row_condition=where(condition), meta=meta)
