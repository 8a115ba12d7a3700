"""From typed bronze columns to a silver table's columns: one pure function a table.

Each takes bronze rows and the registry of devices (`device_id`, `device_type`; one row per device that was
ever known) and gives one row per bronze row. Columns that begin with `_` pass through.
"""

from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.tables import DEVICE, DEVICE_COLUMNS, SILVER

PASSED_ON = ("_night", "_file", "_malformed", "_line")


def clean_device_registry(rows: DataFrame, registry: DataFrame) -> DataFrame:
    """A device as it was first loaded."""
    return _select(rows, "device_registry")


def clean_device_changes(rows: DataFrame, registry: DataFrame) -> DataFrame:
    """A change with the device's image after it, or before it when it deletes the device."""
    image = F.expr(f"from_json(coalesce(after, before), '{DEVICE}')")
    columns = [
        name
        for name in SILVER["device_changes"].column_names
        if name in DEVICE_COLUMNS and name != "device_id"
    ]
    imaged = rows.withColumn("_image", image).withColumns({name: F.col(f"_image.{name}") for name in columns})
    return _select(imaged.withColumnRenamed("operation_date", "changed_at"), "device_changes")


def clean_locations(rows: DataFrame, registry: DataFrame) -> DataFrame:
    """A site."""
    return _select(rows, "locations")


def clean_readings(rows: DataFrame, registry: DataFrame) -> DataFrame:
    """A reading, with the type of its device; null when no such device was ever known."""
    return _select(_of_device(rows, registry), "readings")


def clean_events(rows: DataFrame, registry: DataFrame) -> DataFrame:
    """An event, with the type of its device."""
    return _select(_of_device(rows, registry), "events")


def clean_telemetry(rows: DataFrame, registry: DataFrame) -> DataFrame:
    """A vehicle's position, with the type of its device."""
    return _select(_of_device(rows, registry), "telemetry")


def clean_sensor_logs(rows: DataFrame, registry: DataFrame) -> DataFrame:
    """A room's climate at an instant."""
    return _select(_dated(rows), "sensor_logs")


CLEAN: dict[str, Callable[[DataFrame, DataFrame], DataFrame]] = {
    "device_registry": clean_device_registry,
    "device_changes": clean_device_changes,
    "locations": clean_locations,
    "readings": clean_readings,
    "events": clean_events,
    "telemetry": clean_telemetry,
    "sensor_logs": clean_sensor_logs,
}


def _dated(rows: DataFrame) -> DataFrame:
    return rows.withColumn("event_date", F.to_date("timestamp"))


def _of_device(rows: DataFrame, registry: DataFrame) -> DataFrame:
    return _dated(rows).join(F.broadcast(registry), on="device_id", how="left")


def _select(rows: DataFrame, table: str) -> DataFrame:
    own = [name for name in SILVER[table].column_names if not name.startswith("_")]
    return rows.select(*own, *[name for name in PASSED_ON if name in rows.columns])
