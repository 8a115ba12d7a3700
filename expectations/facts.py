"""What facts must hold: a time, not from the future; and, if a device reports them, a known device."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToNotBeNull,
)

from expectations.actions import quarantine
from expectations.conditions import no_row_where

IN_TIME: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="timestamp", meta=quarantine("no usable timestamp")),
    no_row_where("event_date > _night", quarantine("dated after the night it arrived")),
]

FACT: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="device_id", meta=quarantine("no device_id")),
    # Silver joins the type by device_id: none means that nobody has registered the device.
    ExpectColumnValuesToNotBeNull(column="device_type", meta=quarantine("device is not in the registry")),
    *IN_TIME,
]
