"""`gold.site_events`: where events happen: each device's position and its events."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import GOLD
from jobs.gold import look_back
from jobs.gold.aggregates import count_if


def build_site_events(
    device_registry: DataFrame, device_changes: DataFrame, events: DataFrame, nights: DataFrame
) -> DataFrame:
    """One row per night and registered device, with its events in the 30 days that end with the night."""
    counted = (
        look_back.window(events, nights, GOLD["site_events"].days)
        .groupBy("night", "device_id")
        .agg(F.count("*").alias("event_count"), count_if("severity = 'Critical'").alias("critical_count"))
    )
    devices = look_back.fleet(device_registry, device_changes, nights)
    counts = [F.coalesce(name, F.lit(0)).alias(name) for name in ("event_count", "critical_count")]
    return devices.join(counted, on=["night", "device_id"], how="left").select(
        "night", "device_id", "location_id", "latitude", "longitude", *counts
    )
