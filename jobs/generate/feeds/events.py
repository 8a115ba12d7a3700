"""`events`: what devices reported besides readings. One row per event."""

from jobs.generate.feed import FIRST_DEVICE, FLEET_SIZE, Feed, timestamp
from jobs.generate.values import Values

EVENT_TYPES = (
    "Threshold Exceeded",
    "Device Offline",
    "Firmware Update",
    "Calibration Required",
    "Battery Low",
    "Connection Lost",
    "Maintenance Due",
)


def columns(values: Values) -> dict[str, tuple[str, str]]:
    """70 % of events are acknowledged, and 80 % of those resolved."""
    return {
        "event_id": ("bigint", "night_index * 10000000 + row + 1"),
        "device_id": ("bigint", values.integer("device", FIRST_DEVICE, FIRST_DEVICE + FLEET_SIZE - 1)),
        "timestamp": ("timestamp", timestamp(values.integer("second", 0, 86_399))),
        "event_type": ("string", values.pick("event_type", EVENT_TYPES)),
        "severity": (
            "string",
            values.pick("severity", ("Critical", "Warning", "Info"), weights=(10, 30, 60)),
        ),
        "description": ("string", "concat('Event on device ', device_id)"),
        "acknowledged": ("boolean", values.chance("acknowledged", 0.7)),
        "resolved": ("boolean", f"acknowledged AND {values.chance('resolved', 0.8)}"),
    }


FEED = Feed(
    "events",
    274,
    columns,
    faults={
        "malformed": {},
        "unknown_device": {"device_id": "device_id + 900000"},
        "future": {"timestamp": "timestamp + INTERVAL 30 DAYS"},
    },
)
