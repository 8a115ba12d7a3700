"""Looking back from a night: only what had arrived by then counts.

So a night's picture never changes when later nights are loaded, and nights can be loaded in any order.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import DEVICE_COLUMNS


def window(rows: DataFrame, nights: DataFrame, days: int) -> DataFrame:
    """The rows of the given number of days that end with each night, as known when it ended.

    `rows` has `event_date` and `_night` (arrival); `nights` has `night`. Grain: one row per night and row in
    its window.
    """
    in_window = (F.col("event_date") > F.date_sub("night", days)) & F.expr(
        "event_date <= night AND _night <= night"
    )
    return rows.join(F.broadcast(nights), on=in_window, how="inner")


def fleet(device_registry: DataFrame, device_changes: DataFrame, nights: DataFrame) -> DataFrame:
    """The registered devices as they stood when each night ended. One row per night and device."""
    loaded = device_registry.select(
        *DEVICE_COLUMNS,
        "_night",
        F.col("_night").cast("timestamp").alias("changed_at"),
        F.lit(None).cast("bigint").alias("sequence"),  # before any change of that instant
        F.lit("INSERT").alias("operation"),
    )
    changed = device_changes.select(*DEVICE_COLUMNS, "_night", "changed_at", "sequence", "operation")
    known = loaded.unionByName(changed).join(
        F.broadcast(nights), on=F.expr("_night <= night AND to_date(changed_at) <= night"), how="inner"
    )
    state = F.struct("operation", *[name for name in DEVICE_COLUMNS if name != "device_id"])
    latest = known.groupBy("night", "device_id").agg(
        F.max_by(state, F.struct("changed_at", "sequence")).alias("latest")
    )
    fields = [f"latest.{name}" for name in DEVICE_COLUMNS if name != "device_id"]
    return latest.where("latest.operation <> 'DELETE'").select("night", "device_id", *fields)
