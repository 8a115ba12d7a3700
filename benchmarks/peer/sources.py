"""The sources of the peer and their row rules: its catalog and its contracts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DEVICE = """
device_id BIGINT, device_serial VARCHAR, device_type VARCHAR, manufacturer VARCHAR, model VARCHAR,
firmware_version VARCHAR, install_date DATE, location_id BIGINT, latitude DOUBLE, longitude DOUBLE, status VARCHAR"""
TYPES = (
    *("Temperature Sensor", "Humidity Sensor", "Pressure Sensor", "Motion Detector"),
    *("Smart Meter", "GPS Tracker", "Camera", "HVAC Controller"),
)
STATUSES = ("Online", "Offline", "Maintenance", "Decommissioned")
EVENT_TYPES = (
    *("Threshold Exceeded", "Device Offline", "Firmware Update", "Calibration Required"),
    *("Battery Low", "Connection Lost", "Maintenance Due"),
)
# What a working sensor can report. Metric -> lowest, highest, unit.
RANGES = {
    "temperature": (-20, 60, "celsius"),
    "humidity": (0, 100, "percent"),
    "pressure": (950, 1070, "hPa"),
    "power": (0, 200, "kWh"),
    "vibration": (0, 10, "mm/s"),
}


def fields_of(columns: str) -> dict[str, str]:
    """Field name -> SQL type, in order."""
    return dict(column.strip().split(" ", 1) for column in " ".join(columns.split()).split(", "))


@dataclass(frozen=True)
class Rule:
    """A row that meets the SQL condition is quarantined or flagged for the reason."""

    reason: str
    condition: str


@dataclass(frozen=True)
class Source:
    """A feed of JSON lines: its fields, and the silver table in which each accepted row is found exactly once."""

    name: str
    columns: str
    key: tuple[str, ...]
    required: tuple[str, ...]  # fields that nearly every line must have
    silver: str
    silver_columns: tuple[str, ...]
    rules: tuple[Rule, ...]
    flags: tuple[Rule, ...] = ()
    is_dated: bool = False  # whether silver is partitioned by `event_date`

    @property
    def fields(self) -> dict[str, str]:
        """Field name -> SQL type."""
        return fields_of(self.columns)

    @property
    def bronze_table(self) -> str:
        """Name of the bronze table."""
        return f"bronze.{self.name}"

    @property
    def silver_table(self) -> str:
        """Name of the silver table."""
        return f"silver.{self.silver}"


def json_struct(fields: Mapping[str, str]) -> str:
    """The fields as `from_json` of DuckDB takes them, in quotes."""
    return f"'{json.dumps(fields)}'"


def among(values: Iterable[str]) -> str:
    """The values as the right side of IN."""
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def quoted(names: Iterable[str]) -> str:
    """Names of columns, each in quotes."""
    return ", ".join(f'"{name}"' for name in names)


_IMAGE = (
    Rule("no device_id", "device_id IS NULL"),
    Rule("no device type", "device_type IS NULL"),
    Rule("unknown device type", f"device_type NOT IN {among(TYPES)}"),
    Rule("no status", "status IS NULL"),
    Rule("unknown status", f"status NOT IN {among(STATUSES)}"),
    Rule("serial is not DEV- and eight digits", r"NOT regexp_matches(device_serial, '^DEV-\d{8}$')"),
    Rule("firmware version is not like 1.0.0", r"NOT regexp_matches(firmware_version, '^\d+\.\d+\.\d+$')"),
    Rule("latitude outside -90 to 90", "latitude NOT BETWEEN -90 AND 90"),
    Rule("longitude outside -180 to 180", "longitude NOT BETWEEN -180 AND 180"),
)
_FACT = (
    Rule("no device_id", "device_id IS NULL"),
    Rule("device is not in the registry", "device_type IS NULL"),
    Rule("no usable timestamp", '"timestamp" IS NULL'),
    Rule("dated after it arrived", "event_date > _night"),
)
DEVICE_COLUMNS = tuple(fields_of(DEVICE))
_SOURCES = (
    Source(
        "devices",
        DEVICE,
        key=("device_id",),
        required=("device_id", "device_type", "status"),
        silver="device_registry",
        silver_columns=DEVICE_COLUMNS,
        rules=_IMAGE,
    ),
    Source(
        "device_changes",
        "device_id BIGINT, operation VARCHAR, operation_date TIMESTAMP, sequence BIGINT, before VARCHAR, after VARCHAR",
        key=("device_id", "sequence"),
        required=("device_id", "operation", "operation_date", "sequence"),
        silver="device_changes",
        silver_columns=("sequence", "operation", "changed_at", *DEVICE_COLUMNS),
        rules=(
            Rule("no sequence number", "sequence IS NULL"),
            Rule("no usable operation date", "changed_at IS NULL"),
            Rule("dated after it arrived", "changed_at::DATE > _night"),
            Rule("no operation", "operation IS NULL"),
            Rule("unknown operation", "operation NOT IN ('INSERT', 'UPDATE', 'DELETE')"),
            Rule("no image of the device", "device_serial IS NULL"),
            *_IMAGE,
        ),
    ),
    Source(
        "events",
        "event_id BIGINT, device_id BIGINT, timestamp TIMESTAMP, event_type VARCHAR, severity VARCHAR, "
        "description VARCHAR, acknowledged BOOLEAN, resolved BOOLEAN",
        key=("event_id",),
        required=("event_id", "device_id", "timestamp", "event_type", "severity"),
        silver="events",
        silver_columns=(
            *("event_id", "device_id", "device_type", "timestamp", "event_date"),
            *("event_type", "severity", "description", "acknowledged", "resolved"),
        ),
        rules=(
            Rule("no event_id", "event_id IS NULL"),
            *_FACT,
            Rule("no event type", "event_type IS NULL"),
            Rule("unknown event type", f"event_type NOT IN {among(EVENT_TYPES)}"),
            Rule("no severity", "severity IS NULL"),
            Rule("unknown severity", "severity NOT IN ('Critical', 'Warning', 'Info')"),
            Rule("resolved without being acknowledged", "resolved AND acknowledged NOT IN (true)"),
        ),
        is_dated=True,
    ),
    Source(
        "readings",
        "reading_id BIGINT, device_id BIGINT, timestamp TIMESTAMP, metric_name VARCHAR, metric_value DOUBLE, "
        "unit VARCHAR, quality_score INTEGER, is_anomaly BOOLEAN",
        key=("reading_id",),
        required=("reading_id", "device_id", "timestamp", "metric_name", "metric_value"),
        silver="readings",
        silver_columns=(
            *("reading_id", "device_id", "device_type", "timestamp", "event_date"),
            *("metric_name", "metric_value", "unit", "quality_score", "is_anomaly"),
        ),
        rules=(
            Rule("no reading_id", "reading_id IS NULL"),
            *_FACT,
            Rule("no metric", "metric_name IS NULL"),
            Rule("unknown metric", f"metric_name NOT IN {among(RANGES)}"),
            Rule("unknown unit", f"unit NOT IN {among(unit for _, _, unit in RANGES.values())}"),
            *(
                Rule(
                    f"{metric} outside {low} to {high} {unit}",
                    f"metric_name = '{metric}' AND metric_value NOT BETWEEN {low} AND {high}",
                )
                for metric, (low, high, unit) in RANGES.items()
            ),
            Rule("quality score outside 0 to 100", "quality_score NOT BETWEEN 0 AND 100"),
        ),
        flags=(Rule("no value", "metric_value IS NULL"),),
        is_dated=True,
    ),
)
# In the order in which a night works on them: the devices before the facts that are looked up in them.
SOURCES = {source.name: source for source in _SOURCES}
