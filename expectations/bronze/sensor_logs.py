"""`bronze.sensor_logs`: room climate, delivered in batches or by hand, as it landed."""

from great_expectations.expectations import Expectation

from expectations.bronze_feed import feed

EXPECTATIONS: list[Expectation] = feed("sensor_id", "timestamp", "temperature", "humidity", "location")
