"""`bronze.live_sensors`: what the sensors of a site measure, as it landed."""

from great_expectations.expectations import Expectation

from expectations.actions import flag
from expectations.bronze_feed import feed
from expectations.conditions import one_value_per_key

EXPECTATIONS: list[Expectation] = [
    *feed("reading_id", "device_id", "timestamp", "device_type", "reading"),
    one_value_per_key(
        "device_id", "reading_id", flag("several devices have one reading_id, as if each numbered its own")
    ),
]
