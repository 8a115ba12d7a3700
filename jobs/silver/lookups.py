"""Devices, looked up in a table of their versions: which type a device had at the time of a fact.

The type of today would make silver another by the order in which nights are run.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from catalog.tables import Table
from jobs.delta.lake import Lake


def known_devices(lake: Lake, lookup: str) -> DataFrame | None:
    """What `types_of` makes of a table of versions; None without such a table."""
    return types_of(lake.read(f"silver.{lookup}")) if lookup else None


def types_of(versions: DataFrame) -> DataFrame:
    """One row per device and type that it had, in turn: `device_id`, `device_type`, `_since` and `_until` (exclusive).

    The first one has no `_since`: what came before the registry is about a device of the first type that it names. The
    last one has no `_until`.
    """
    in_order = Window.partitionBy("device_id").orderBy("valid_from")
    former = F.lag("device_type").over(in_order)
    changes = versions.withColumn("_former", former).where("NOT (device_type <=> _former)")
    is_first = F.row_number().over(in_order) == 1
    return changes.select(
        "device_id",
        "device_type",
        F.when(~is_first, F.col("valid_from")).alias("_since"),
        F.lead("valid_from").over(in_order).alias("_until"),
    )


def with_type(facts: DataFrame, types: DataFrame, silver: Table) -> DataFrame:
    """Facts with the `device_type` of their device at their `timestamp`; null where no device of the id was ever known.

    Of a fact without a time it is the device's first. Grain: that of the facts, of which `silver` is the table.
    """
    at = F.col("timestamp") if "timestamp" in silver.column_names else F.lit(None).cast("timestamp")
    is_begun = F.coalesce(at >= F.col("_since"), F.col("_since").isNull())
    is_not_over = F.coalesce(at < F.col("_until"), F.col("_until").isNull() | at.isNull())
    of_device = F.col("device_id") == F.col("_of_device")
    renamed = types.select(F.col("device_id").alias("_of_device"), "device_type", "_since", "_until")
    known = F.broadcast(renamed)
    found = facts.join(known, on=of_device & is_begun & is_not_over, how="left")
    return found.select(F.expr("* EXCEPT (_of_device, _since, _until)"))
