"""`silver.devices`: the devices that are registered now."""

from pyspark.sql import DataFrame

from catalog.tables import SILVER


def derive_devices(devices_history: DataFrame) -> DataFrame:
    """One row per device that is registered now (SCD1)."""
    current = devices_history.where("is_current AND NOT is_deleted").withColumnRenamed(
        "valid_from", "changed_at"
    )
    return current.select(*SILVER["devices"].column_names)
