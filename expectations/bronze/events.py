"""`bronze.events`: what devices reported besides readings, as it landed."""

from great_expectations.expectations import Expectation

from expectations.bronze_feed import feed

EXPECTATIONS: list[Expectation] = feed("event_id", "device_id", "timestamp", "event_type", "severity")
