"""`gold.transactions_daily`: what was paid each day, and how much of it was fraud or risky."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag
from expectations.conditions import no_row_where

EXPECTATIONS: list[Expectation] = [
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no days")),
    ExpectColumnValuesToNotBeNull(column="currency", meta=fail("a day without a currency")),
    ExpectColumnValuesToNotBeNull(column="channel", meta=fail("a day without a channel")),
    ExpectColumnValuesToBeBetween(column="txn_count", min_value=1, meta=fail("a day without transactions")),
    ExpectColumnValuesToBeBetween(
        column="total_amount", min_value=0, strict_min=True, meta=fail("a total that is not above 0")
    ),
    ExpectColumnValuesToBeBetween(
        column="max_risk_score", min_value=0, max_value=1, meta=fail("risk score outside 0 to 1")
    ),
    ExpectColumnValuesToBeBetween(
        column="fraud_rate", min_value=0, max_value=1, meta=fail("fraud rate outside 0 to 1")
    ),
    ExpectCompoundColumnsToBeUnique(
        column_list=["event_date", "currency", "channel"], meta=fail("a day of a channel stands there twice")
    ),
    no_row_where(
        "NOT (fraud_count BETWEEN 0 AND txn_count AND fraud_amount BETWEEN 0 AND total_amount)",
        fail("more fraud than transactions"),
    ),
]
