"""`bronze.telematics`: positions of dbldatagen's own data set, as they landed."""

from great_expectations.expectations import Expectation

from expectations.bronze_feed import feed

EXPECTATIONS: list[Expectation] = feed("device_id", "timestamp", "latitude", "longitude")
