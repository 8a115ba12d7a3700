"""`gold.device_anomalies`: devices that keep reporting anomalies."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import GOLD
from jobs.gold import look_back
from jobs.gold.aggregates import count_if, mean, stddev

MORE_THAN = 10


def build_device_anomalies(readings: DataFrame, nights: DataFrame) -> DataFrame:
    """One row per night, device and metric with more than 10 anomalies in the 7 days that end with the night."""
    counted = (
        look_back.window(readings, nights, GOLD["device_anomalies"].days)
        .groupBy("night", "device_id", "device_type", "metric_name")
        .agg(
            F.count("*").alias("reading_count"),
            mean("metric_value").alias("avg_value"),
            stddev("metric_value").alias("stddev_value"),
            count_if("is_anomaly").alias("anomaly_count"),
        )
    )
    return counted.where(F.col("anomaly_count") > MORE_THAN)
