"""`bronze.readings`: what sensors measured, as it landed."""

from great_expectations.expectations import Expectation

from expectations.bronze_feed import feed

EXPECTATIONS: list[Expectation] = feed("reading_id", "device_id", "timestamp", "metric_name", "metric_value")
