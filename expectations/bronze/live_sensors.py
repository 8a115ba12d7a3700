"""`bronze.live_sensors`: what the sensors of a site measure, as it landed."""

from great_expectations.expectations import Expectation

from expectations.bronze_feed import feed

EXPECTATIONS: list[Expectation] = feed("reading_id", "device_id", "timestamp", "device_type", "reading")
