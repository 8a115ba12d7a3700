"""Expectations of facts: a time that is not in the future and, for devices' facts, a known device."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToNotBeNull,
)

from catalog.tables import UNKNOWN_DEVICE
from expectations.actions import quarantine
from expectations.conditions import no_row_where

# The table keeps the day on which a row arrived, its file the instant: `latest_time` in `jobs/bronze/arrival.py`.
NOT_OF_THE_FUTURE = no_row_where(
    "event_date > _night", quarantine("dated after it arrived", on_arrival="timestamp > _latest_time")
)

IN_TIME: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="timestamp", meta=quarantine("no usable timestamp")),
    NOT_OF_THE_FUTURE,
]

FACT: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="device_id", meta=quarantine("no device_id")),
    # Silver joins the type by device_id: null means that the device is not registered.
    ExpectColumnValuesToNotBeNull(column="device_type", meta=quarantine(UNKNOWN_DEVICE)),
    *IN_TIME,
]
