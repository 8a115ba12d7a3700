"""`bronze.locations`: the sites, as it landed."""

from great_expectations.expectations import Expectation

from expectations.bronze_feed import feed

EXPECTATIONS: list[Expectation] = feed("location_id", "name", "latitude", "longitude")
