"""`gold.readings_5min`: what each live sensor measured in each five minutes."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.gold.aggregates import count_if, mean

WINDOW, WATERMARK = "5 minutes", "10 minutes"


def build_readings_5min(live_sensors: DataFrame) -> DataFrame:
    """One row per device and window of five minutes.

    Gold is built from all of silver for the dates that were touched; a late reading restates its window
    (`ops.restatements` lists them).
    """
    windows = live_sensors.groupBy(
        "event_date", F.window("timestamp", WINDOW).alias("window"), "device_id", "device_type"
    )
    counted = windows.agg(
        F.count("*").alias("reading_count"),
        mean("reading").alias("avg_reading"),
        F.min("reading").alias("min_reading"),
        F.max("reading").alias("max_reading"),
        count_if("is_anomaly").alias("anomaly_count"),
    )
    return counted.select(
        "event_date",
        F.col("window.start").alias("window_start"),
        F.col("window.end").alias("window_end"),
        *("device_id", "device_type", "reading_count"),
        *("avg_reading", "min_reading", "max_reading", "anomaly_count"),
    )


def stream_readings_5min(live_sensors: DataFrame) -> DataFrame:
    """The same of a stream, which has a window once and later than gold: when it is closed.

    That is in the micro-batch after the one that brought a reading ten minutes later than its end. That micro-batch
    still counts what it brings of the window; later ones leave it out.
    """
    return build_readings_5min(live_sensors.withWatermark("timestamp", WATERMARK))
