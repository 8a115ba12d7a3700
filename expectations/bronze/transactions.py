"""`bronze.transactions`: card and account transactions, as they landed."""

from great_expectations.expectations import Expectation

from expectations.bronze_feed import feed

EXPECTATIONS: list[Expectation] = feed(
    "txn_id", "account_id", "timestamp", "amount", "currency", "channel", "txn_type"
)
