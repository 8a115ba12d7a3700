"""`gold.device_health`: how many devices of each type are in which state, and how old they are."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.gold import look_back
from jobs.gold.aggregates import mean


def build_device_health(
    device_registry: DataFrame, device_changes: DataFrame, nights: DataFrame
) -> DataFrame:
    """One row per night, device type and status; a device that is not installed yet counts as 0 days old."""
    fleet = look_back.fleet(device_registry, device_changes, nights)
    aged = fleet.withColumn("age_days", F.greatest(F.datediff("night", "install_date"), F.lit(0)))
    return aged.groupBy("night", "device_type", "status").agg(
        F.count("*").alias("device_count"), mean("age_days").alias("avg_age_days")
    )
