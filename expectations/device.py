"""Expectations of every image of a device: in the registry, the change feed, the history and the current state."""

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToMatchRegex,
    ExpectColumnValuesToNotBeNull,
)

from expectations.actions import quarantine

TYPES = [
    "Temperature Sensor",
    "Humidity Sensor",
    "Pressure Sensor",
    "Motion Detector",
    "Smart Meter",
    "GPS Tracker",
    "Camera",
    "HVAC Controller",
]
STATUSES = ["Online", "Offline", "Maintenance", "Decommissioned"]

IMAGE: list[Expectation] = [
    ExpectColumnValuesToNotBeNull(column="device_id", meta=quarantine("no device_id")),
    ExpectColumnValuesToNotBeNull(column="device_type", meta=quarantine("no device type")),
    ExpectColumnValuesToBeInSet(
        column="device_type", value_set=TYPES, meta=quarantine("unknown device type")
    ),
    ExpectColumnValuesToNotBeNull(column="status", meta=quarantine("no status")),
    ExpectColumnValuesToBeInSet(column="status", value_set=STATUSES, meta=quarantine("unknown status")),
    ExpectColumnValuesToMatchRegex(
        column="device_serial", regex=r"^DEV-\d{8}$", meta=quarantine("serial is not DEV- and eight digits")
    ),
    ExpectColumnValuesToMatchRegex(
        column="firmware_version",
        regex=r"^\d+\.\d+\.\d+$",
        meta=quarantine("firmware version is not like 1.0.0"),
    ),
    ExpectColumnValuesToBeBetween(
        column="latitude", min_value=-90, max_value=90, meta=quarantine("latitude outside -90 to 90")
    ),
    ExpectColumnValuesToBeBetween(
        column="longitude", min_value=-180, max_value=180, meta=quarantine("longitude outside -180 to 180")
    ),
]
