"""`silver.events`: what devices reported besides readings."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
)

from expectations.actions import fail, flag, quarantine
from expectations.conditions import where
from expectations.facts import FACT

TYPES = [
    "Threshold Exceeded",
    "Device Offline",
    "Firmware Update",
    "Calibration Required",
    "Battery Low",
    "Connection Lost",
    "Maintenance Due",
]

EXPECTATIONS: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="event_id", meta=quarantine("no event_id")),
    *FACT,
    ExpectColumnValuesToNotBeNull(column="event_type", meta=quarantine("no event type")),
    ExpectColumnValuesToBeInSet(column="event_type", value_set=TYPES, meta=quarantine("unknown event type")),
    ExpectColumnValuesToNotBeNull(column="severity", meta=quarantine("no severity")),
    ExpectColumnValuesToBeInSet(
        column="severity", value_set=["Critical", "Warning", "Info"], meta=quarantine("unknown severity")
    ),
    ExpectColumnValuesToBeInSet(
        column="acknowledged",
        value_set=[True],
        row_condition=where("resolved"),
        meta=quarantine("resolved without being acknowledged"),
    ),
    ExpectTableRowCountToBeBetween(min_value=1, meta=flag("no events arrived")),
    ExpectColumnValuesToBeUnique(column="event_id", meta=fail("an event stands there twice")),
]
