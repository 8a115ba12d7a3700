"""`bronze.machine_sensors`: what factory machines measured, as it landed."""

from great_expectations.expectations import Expectation, ExpectColumnValuesToBeBetween

from expectations.actions import flag
from expectations.bronze_feed import feed

EXPECTATIONS: list[Expectation] = [
    *feed("device_id", "timestamp", "factory_id", "model_id", "temperature", "air_pressure"),
    # Sensors flip the sign of one value in twenty; silver puts it right.
    ExpectColumnValuesToBeBetween(
        column="air_pressure",
        min_value=0,
        strict_min=True,
        mostly=0.9,
        meta=flag("air pressure is not above 0"),
    ),
]
