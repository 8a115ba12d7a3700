"""`gold.sensor_hourly`: what each device measured in each hour."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.gold.aggregates import count_if, mean, stddev


def build_sensor_hourly(readings: DataFrame) -> DataFrame:
    """One row per device, metric and hour that has a reading.

    Readings without a value count; the statistics are of those with one, and null when none has.
    """
    hours = readings.withColumn("hour", F.date_trunc("hour", "timestamp"))
    return hours.groupBy("event_date", "hour", "device_id", "metric_name").agg(
        F.count("*").alias("reading_count"),
        mean("metric_value").alias("avg_value"),
        F.min("metric_value").alias("min_value"),
        F.max("metric_value").alias("max_value"),
        stddev("metric_value").alias("stddev_value"),
        count_if("is_anomaly").alias("anomaly_count"),
    )
