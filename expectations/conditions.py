"""Conditions on several columns at once, for which Great Expectations has no expectation of its own."""

from great_expectations.expectations import Expectation, ExpectTableRowCountToEqual
from great_expectations.expectations.conditions import PassThroughCondition

from expectations.actions import fail


def no_row_where(condition: str, reason: str) -> Expectation:
    """Expect that no row of the table meets a SQL condition."""
    return ExpectTableRowCountToEqual(
        value=0, row_condition=PassThroughCondition(pass_through_filter=condition), meta=fail(reason)
    )
