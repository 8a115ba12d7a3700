"""`silver.device_changes`: the registry's change feed."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import DEVICE, DEVICE_COLUMNS


def clean_device_changes(rows: DataFrame) -> DataFrame:
    """A change with the device's image after it, or before it when it deletes the device."""
    image = F.expr(f"from_json(coalesce(after, before), '{DEVICE}')")
    columns = {name: F.col(f"_image.{name}") for name in DEVICE_COLUMNS if name != "device_id"}
    return rows.withColumn("_image", image).withColumns({**columns, "changed_at": F.col("operation_date")})
