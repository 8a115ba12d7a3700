"""`bronze.inspections`: inspected parts of factory machines, as they landed."""

from great_expectations.expectations import Expectation

from expectations.bronze_feed import feed

EXPECTATIONS: list[Expectation] = feed("defect", "timestamp", "device_id")
