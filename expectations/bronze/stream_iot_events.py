"""`bronze.stream_iot_events`: what a sensor in maintenance does not measure, its event does not have."""

from great_expectations.expectations import Expectation, ExpectColumnValuesToNotBeNull

from catalog.tables import SOURCES
from expectations.actions import flag
from expectations.bronze_stream import stream
from expectations.conditions import where

MEASURED = ("temperature", "humidity", "pressure")
SOURCE = SOURCES["iot_events"]

EXPECTATIONS: list[Expectation] = [
    *stream([field for field in SOURCE.fields if field not in MEASURED], SOURCE.key),
    *[
        ExpectColumnValuesToNotBeNull(
            column=field,
            row_condition=where("status <> 'Maintenance'"),
            meta=flag(f"rows of working sensors without {field}"),
        )
        for field in MEASURED
    ],
]
