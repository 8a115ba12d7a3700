"""`bronze.device_changes`: the registry's change feed, as it landed."""

from great_expectations.expectations import Expectation

from expectations.bronze_feed import feed

EXPECTATIONS: list[Expectation] = feed("device_id", "operation", "operation_date", "sequence")
