"""`bronze.devices`: the registry as it was first loaded, as it landed."""

from great_expectations.expectations import Expectation

from expectations.bronze_feed import feed

EXPECTATIONS: list[Expectation] = feed("device_id", "device_serial", "device_type", "status")
