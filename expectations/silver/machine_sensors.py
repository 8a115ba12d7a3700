"""`silver.machine_sensors`: what factory machines measured. They are no devices of the registry."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag, quarantine
from expectations.facts import IN_TIME
from expectations.ranges import Range, in_ranges

FACTORIES = ["A06", "D18", "J15", "C04", "T10"]
# Both bounds, so that no infinity gets in.
RANGES: dict[str, Range] = {
    "airflow_rate": (0, 100, "airflow"),
    "rotation_speed": (0, 20_000, "rotation speed"),
    "air_pressure": (300, 1200, "air pressure"),
    "temperature": (-50, 250, "temperature"),
    "delay": (0, 10_000, "delay"),
    "density": (0, 100, "density"),
}


EXPECTATIONS: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="device_id", meta=quarantine("no device_id")),
    *IN_TIME,
    ExpectColumnValuesToNotBeNull(column="trip_id", meta=quarantine("no trip_id")),
    ExpectColumnValuesToNotBeNull(column="factory_id", meta=quarantine("no factory")),
    ExpectColumnValuesToBeInSet(column="factory_id", value_set=FACTORIES, meta=quarantine("unknown factory")),
    ExpectColumnValuesToNotBeNull(column="model_id", meta=quarantine("no engine model")),
    *in_ranges(RANGES),
    # One in ten is missing, one in twenty flipped.
    ExpectColumnValuesToNotBeNull(column="temperature", mostly=0.8, meta=flag("no temperature")),
    ExpectColumnValuesToBeInSet(
        column="is_pressure_flipped",
        value_set=[False],
        mostly=0.9,
        meta=flag("air pressure came with its sign flipped, and was put right"),
    ),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no machine readings arrived")),
    ExpectCompoundColumnsToBeUnique(
        column_list=["device_id", "timestamp"], meta=fail("a machine has two readings for one instant")
    ),
]
