"""The catalog: every source and every table, named once.

What a table *is* stands here; how it is computed stands in the file of the same name under `silver/` or
`gold/`; what must hold for it stands in `expectations/<layer>/<table>.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A feed in the landing zone. Grain of its bronze table: one row per landed line."""

    name: str
    format: str  # json: one object a line; csv: a header line, then one record a line
    columns: str  # DDL of the typed fields, in the order of the file where that matters (csv)
    silver: str  # the silver table in which each accepted row of this source is found exactly once
    key: tuple[str, ...]  # business key; of several good rows with one key, one wins

    @property
    def fields(self) -> dict[str, str]:
        """Field name -> SQL type."""
        return dict(column.strip().split(" ", 1) for column in self.columns.split(","))


@dataclass(frozen=True)
class Table:
    """A Delta table that a stage writes."""

    layer: str
    name: str
    columns: str  # DDL
    grain: str  # ends the table's comment: "One row per …"
    slice: str  # the DATE column by which rows are replaced, digested and checked
    partition_by: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()  # the sources it is made from; drives `--tables`

    @property
    def full_name(self) -> str:
        """`layer.name`, as in `silver.readings`."""
        return f"{self.layer}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.strip().split(" ", 1)[0] for column in self.columns.split(", "))


DEVICE = (
    "device_id BIGINT, device_serial STRING, device_type STRING, manufacturer STRING, model STRING, "
    "firmware_version STRING, install_date DATE, location_id BIGINT, latitude DOUBLE, longitude DOUBLE, "
    "status STRING"
)
DEVICE_COLUMNS = tuple(column.split(" ")[0] for column in DEVICE.split(", "))
# Every silver row says in which night its winning line arrived and which flag rules it met.
PROVENANCE = "_flags ARRAY<STRING>, _night DATE"
BRONZE_PROVENANCE = "_rescued VARIANT, _malformed STRING, _file STRING, _night DATE, _ingested_at TIMESTAMP"

_SOURCES = (
    Source("devices", "json", DEVICE, "device_registry", ("device_id",)),
    Source(
        "device_changes",
        "json",
        "device_id BIGINT, operation STRING, operation_date TIMESTAMP, sequence BIGINT, before STRING, after STRING",
        "device_changes",
        ("device_id", "sequence"),
    ),
    Source(
        "locations",
        "json",
        "location_id BIGINT, name STRING, region STRING, latitude DOUBLE, longitude DOUBLE",
        "locations",
        ("location_id",),
    ),
    Source(
        "readings",
        "json",
        "reading_id BIGINT, device_id BIGINT, timestamp TIMESTAMP, metric_name STRING, metric_value DOUBLE, "
        "unit STRING, quality_score INT, is_anomaly BOOLEAN",
        "readings",
        ("reading_id",),
    ),
    Source(
        "events",
        "json",
        "event_id BIGINT, device_id BIGINT, timestamp TIMESTAMP, event_type STRING, severity STRING, "
        "description STRING, acknowledged BOOLEAN, resolved BOOLEAN",
        "events",
        ("event_id",),
    ),
    Source(
        "telemetry",
        "json",
        "telemetry_id BIGINT, device_id BIGINT, timestamp TIMESTAMP, latitude DOUBLE, longitude DOUBLE, "
        "altitude DOUBLE, speed DOUBLE, heading INT, fuel_level DOUBLE, engine_temp DOUBLE",
        "telemetry",
        ("telemetry_id",),
    ),
    Source(
        "sensor_logs",
        "csv",
        "sensor_id BIGINT, timestamp TIMESTAMP, temperature DOUBLE, humidity DOUBLE, location STRING",
        "sensor_logs",
        ("sensor_id", "timestamp"),
    ),
)
SOURCES = {source.name: source for source in _SOURCES}


def _bronze(source: Source) -> Table:
    return Table(
        "bronze",
        source.name,
        f"{source.columns}, {BRONZE_PROVENANCE}",
        "One row per landed line.",
        "_night",
        ("_night",),
    )


_SILVER = (
    Table(
        "silver",
        "device_registry",
        f"{DEVICE}, {PROVENANCE}",
        "One row per device of the initial load.",
        "_night",
    ),
    Table(
        "silver",
        "device_changes",
        f"sequence BIGINT, operation STRING, changed_at TIMESTAMP, {DEVICE}, {PROVENANCE}",
        "One row per device and change; the device's image is the one after the change, before it for a DELETE.",
        "_night",
    ),
    Table(
        "silver", "locations", f"{SOURCES['locations'].columns}, {PROVENANCE}", "One row per site.", "_night"
    ),
    Table(
        "silver",
        "readings",
        "reading_id BIGINT, device_id BIGINT, device_type STRING, timestamp TIMESTAMP, event_date DATE, "
        f"metric_name STRING, metric_value DOUBLE, unit STRING, quality_score INT, is_anomaly BOOLEAN, {PROVENANCE}",
        "One row per reading.",
        "_night",
        ("event_date",),
    ),
    Table(
        "silver",
        "events",
        "event_id BIGINT, device_id BIGINT, device_type STRING, timestamp TIMESTAMP, event_date DATE, "
        f"event_type STRING, severity STRING, description STRING, acknowledged BOOLEAN, resolved BOOLEAN, {PROVENANCE}",
        "One row per event.",
        "_night",
        ("event_date",),
    ),
    Table(
        "silver",
        "telemetry",
        "telemetry_id BIGINT, device_id BIGINT, device_type STRING, timestamp TIMESTAMP, event_date DATE, "
        "latitude DOUBLE, longitude DOUBLE, altitude DOUBLE, speed DOUBLE, heading INT, fuel_level DOUBLE, "
        f"engine_temp DOUBLE, {PROVENANCE}",
        "One row per vehicle position.",
        "_night",
        ("event_date",),
    ),
    Table(
        "silver",
        "sensor_logs",
        "sensor_id BIGINT, timestamp TIMESTAMP, event_date DATE, temperature DOUBLE, humidity DOUBLE, "
        f"location STRING, {PROVENANCE}",
        "One row per sensor and instant.",
        "_night",
        ("event_date",),
    ),
)

# Derived from the change feed, not accounted row by row: rewritten whole whenever a device changed.
_DERIVED = (
    Table(
        "silver",
        "devices_history",
        f"{DEVICE}, valid_from TIMESTAMP, valid_to TIMESTAMP, is_current BOOLEAN, is_deleted BOOLEAN, _night DATE",
        "One row per device and version (SCD2); valid_to is exclusive and null for the current version.",
        "_night",
        reads=("devices", "device_changes"),
    ),
    Table(
        "silver",
        "devices",
        f"{DEVICE}, changed_at TIMESTAMP, _night DATE",
        "One row per device that is registered now (SCD1).",
        "_night",
        reads=("devices", "device_changes"),
    ),
)

_GOLD = (
    Table(
        "gold",
        "sensor_hourly",
        "event_date DATE, hour TIMESTAMP, device_id BIGINT, metric_name STRING, reading_count BIGINT, "
        "avg_value DOUBLE, min_value DOUBLE, max_value DOUBLE, stddev_value DOUBLE, anomaly_count BIGINT",
        "One row per device, metric and hour that has a reading with a value.",
        "event_date",
        ("event_date",),
        ("readings",),
    ),
    Table(
        "gold",
        "climate_hourly",
        "event_date DATE, hour TIMESTAMP, location STRING, log_count BIGINT, avg_temperature_f DOUBLE, "
        "avg_humidity_percent DOUBLE",
        "One row per room and hour.",
        "event_date",
        ("event_date",),
        ("sensor_logs",),
    ),
    Table(
        "gold",
        "device_health",
        "night DATE, device_type STRING, status STRING, device_count BIGINT, avg_age_days DOUBLE",
        "One row per night, device type and status, as the fleet stood when the night ended.",
        "night",
        ("night",),
        ("devices", "device_changes"),
    ),
    Table(
        "gold",
        "device_anomalies",
        "night DATE, device_id BIGINT, device_type STRING, metric_name STRING, reading_count BIGINT, "
        "avg_value DOUBLE, stddev_value DOUBLE, anomaly_count BIGINT",
        "One row per night, device and metric with more than 10 anomalies in the 7 days that end with the night.",
        "night",
        ("night",),
        ("readings",),
    ),
    Table(
        "gold",
        "fleet_last_seen",
        "night DATE, device_id BIGINT, last_seen TIMESTAMP, last_latitude DOUBLE, last_longitude DOUBLE, "
        "avg_speed_mph DOUBLE, min_fuel_percent DOUBLE, position_count BIGINT",
        "One row per night and vehicle seen that day.",
        "night",
        ("night",),
        ("telemetry",),
    ),
    Table(
        "gold",
        "site_events",
        "night DATE, device_id BIGINT, location_id BIGINT, latitude DOUBLE, longitude DOUBLE, event_count BIGINT, "
        "critical_count BIGINT",
        "One row per night and registered device: its events in the 30 days that end with the night.",
        "night",
        ("night",),
        ("devices", "device_changes", "events"),
    ),
)

_OPS = (
    Table(
        "ops",
        "quarantine",
        "source STRING, night DATE, key STRING, raw VARIANT, reasons ARRAY<STRING>, file STRING",
        "One row per landed line that did not pass its table's row rules.",
        "night",
        ("source", "night"),
    ),
    Table(
        "ops",
        "rejected_files",
        "source STRING, night DATE, file STRING, reason STRING, bytes BIGINT, rejected_at TIMESTAMP",
        "One row per landed file that could not be read at all; the file is kept under `_rejected/`.",
        "night",
    ),
    Table(
        "ops",
        "row_accounts",
        "source STRING, night DATE, landed BIGINT, bronze BIGINT, silver BIGINT, quarantined BIGINT, "
        "duplicates BIGINT, is_balanced BOOLEAN, is_published BOOLEAN, run_id STRING, settled_at TIMESTAMP",
        "One row per source and night: landed = bronze = silver + quarantined + duplicates.",
        "night",
    ),
    Table(
        "ops",
        "digests",
        "table STRING, night DATE, rows BIGINT, digest STRING, run_id STRING",
        "One row per table and night (the table's slice).",
        "night",
    ),
    Table(
        "ops",
        "job_runs",
        "run_id STRING, night DATE, stage STRING, table STRING, rows BIGINT, status STRING, detail STRING, "
        "started_at TIMESTAMP, ended_at TIMESTAMP",
        "One row per run, stage and table.",
        "night",
    ),
)


def _judged(table: Table, source: Source) -> Table:
    columns = f"{table.columns}, _reasons ARRAY<STRING>, _rank INT, _key STRING, _raw VARIANT, _file STRING"
    return Table(
        "staging", f"judged_{source.name}", columns, "One row per bronze row that is being settled.", "_night"
    )


# Gold slices that runs have rebuilt: publish replaces exactly these.
SLICES = Table(
    "staging",
    "gold_slices",
    "table STRING, slice DATE, run_id STRING, staged_at TIMESTAMP, published_at TIMESTAMP",
    "One row per run, gold table and slice that the run has staged; an empty slice for a table that it built.",
    "slice",
)


def _staged(table: Table) -> Table:
    columns = f"{table.columns}, run_id STRING"
    return Table("staging", f"gold_{table.name}", columns, table.grain, table.slice, ("run_id",))


GOLD = {table.name: table for table in _GOLD}
SILVER = {table.name: table for table in (*_SILVER, *_DERIVED)}
TABLES = {
    table.full_name: table
    for table in (
        *map(_bronze, _SOURCES),
        *_SILVER,
        *_DERIVED,
        *(_judged(table, source) for table in _SILVER for source in _SOURCES if source.silver == table.name),
        *map(_staged, _GOLD),
        SLICES,
        *_GOLD,
        *_OPS,
    )
}
SCHEMAS = ("bronze", "silver", "staging", "gold", "ops")
NAMES = (*SOURCES, *GOLD)  # what `--tables` accepts


def selection(names: Iterable[str]) -> frozenset[str]:
    """The sources and gold tables that a run works on: the named ones, what they read and what reads them.

    Facts are checked against the registry of devices, so those two sources always come along. No names
    means all.
    """
    chosen = set(names) or set(NAMES)
    chosen |= {table.name for table in GOLD.values() if chosen & set(table.reads)}
    chosen |= {source for name in chosen if name in GOLD for source in GOLD[name].reads}
    return frozenset(chosen | {"devices", "device_changes"})
