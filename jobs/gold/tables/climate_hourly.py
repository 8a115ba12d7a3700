"""`gold.climate_hourly`: temperature and humidity of each room in each hour."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.gold.aggregates import mean


def build_climate_hourly(sensor_logs: DataFrame) -> DataFrame:
    """One row per room and hour; temperature in °F, humidity in percent."""
    hours = sensor_logs.withColumn("hour", F.date_trunc("hour", "timestamp"))
    return hours.groupBy("event_date", "hour", "location").agg(
        F.count("*").alias("log_count"),
        mean("temperature").alias("avg_temperature_f"),
        mean("humidity").alias("avg_humidity_percent"),
    )
