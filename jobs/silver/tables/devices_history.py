"""`silver.devices_history`: every version of every device, replayed from its changes."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from catalog.tables import DEVICE_COLUMNS, SILVER


def derive_devices_history(device_registry: DataFrame, device_changes: DataFrame) -> DataFrame:
    """One row per device and version (SCD2), whatever the order in which changes arrived.

    The first load of a device counts as a change at the beginning of the night in which it arrived, before all
    others of that instant. Of changes at one instant the one with the highest sequence holds; a change that leaves
    the device as it was makes no version.
    """
    loaded = device_registry.select(
        *DEVICE_COLUMNS,
        F.col("_night").cast("timestamp").alias("valid_from"),
        F.lit(None).cast("bigint").alias("sequence"),
        F.lit(False).alias("is_deleted"),
        "_night",
    )
    changed = device_changes.select(
        *DEVICE_COLUMNS,
        F.col("changed_at").alias("valid_from"),
        "sequence",
        (F.col("operation") == "DELETE").alias("is_deleted"),
        "_night",
    )
    image = F.struct(*DEVICE_COLUMNS, "is_deleted")
    at_one_instant = Window.partitionBy("device_id", "valid_from").orderBy(F.desc_nulls_last("sequence"))
    in_order = Window.partitionBy("device_id").orderBy("valid_from")
    states = (
        loaded.unionByName(changed)
        .withColumn("_rank", F.row_number().over(at_one_instant))
        .where("_rank = 1")
    )
    versions = (
        states.withColumns({"_image": image, "_former_image": F.lag(image).over(in_order)})
        .where("NOT (_image <=> _former_image)")
        .withColumn("valid_to", F.lead("valid_from").over(in_order))
        .withColumn("is_current", F.col("valid_to").isNull())
    )
    return versions.select(*SILVER["devices_history"].column_names)
