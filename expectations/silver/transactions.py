"""`silver.transactions`: card and account transactions."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag, quarantine
from expectations.facts import IN_TIME

TYPES = ["purchase", "refund", "transfer", "withdrawal"]
CURRENCIES = ["USD", "EUR", "GBP"]
CHANNELS = ["online", "in_store", "mobile", "atm"]

EXPECTATIONS: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="txn_id", meta=quarantine("no txn_id")),
    ExpectColumnValuesToNotBeNull(column="account_id", meta=quarantine("no account_id")),
    *IN_TIME,
    ExpectColumnValuesToNotBeNull(column="amount", meta=quarantine("no amount")),
    ExpectColumnValuesToBeBetween(
        column="amount", min_value=0, strict_min=True, meta=quarantine("amount is not above 0")
    ),
    ExpectColumnValuesToNotBeNull(column="currency", meta=quarantine("no currency")),
    ExpectColumnValuesToBeInSet(column="currency", value_set=CURRENCIES, meta=quarantine("unknown currency")),
    ExpectColumnValuesToNotBeNull(column="channel", meta=quarantine("no channel")),
    ExpectColumnValuesToBeInSet(column="channel", value_set=CHANNELS, meta=quarantine("unknown channel")),
    ExpectColumnValuesToBeInSet(column="txn_type", value_set=TYPES, meta=quarantine("unknown type")),
    ExpectColumnValuesToBeBetween(
        column="risk_score", min_value=0, max_value=1, meta=quarantine("risk score outside 0 to 1")
    ),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no transactions arrived")),
    ExpectColumnValuesToBeUnique(column="txn_id", meta=fail("a transaction stands there twice")),
]
