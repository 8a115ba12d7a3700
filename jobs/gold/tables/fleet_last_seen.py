"""`gold.fleet_last_seen`: where each vehicle was last seen on a day."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import GOLD
from jobs.gold import look_back
from jobs.gold.aggregates import mean


def build_fleet_last_seen(telemetry: DataFrame, nights: DataFrame) -> DataFrame:
    """One row per night and vehicle seen that day; of two positions at one instant the higher id is the last."""
    last = F.struct("timestamp", "telemetry_id")
    return (
        look_back.window(telemetry, nights, GOLD["fleet_last_seen"].days)
        .groupBy("night", "device_id")
        .agg(
            F.max("timestamp").alias("last_seen"),
            F.max_by("latitude", last).alias("last_latitude"),
            F.max_by("longitude", last).alias("last_longitude"),
            mean("speed").alias("avg_speed_mph"),
            F.min("fuel_level").alias("min_fuel_percent"),
            F.count("*").alias("position_count"),
        )
    )
