"""`bronze.telemetry`: where vehicles were, as it landed."""

from great_expectations.expectations import Expectation

from expectations.bronze_feed import feed

EXPECTATIONS: list[Expectation] = feed("telemetry_id", "device_id", "timestamp", "latitude", "longitude")
