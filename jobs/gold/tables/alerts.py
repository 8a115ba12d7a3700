"""`gold.alerts`: what somebody should look at."""

import tomllib
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# Metric -> `low` and `high`, either of which may be missing.
THRESHOLDS: dict[str, dict[str, float]] = tomllib.loads(
    Path(__file__).with_name("thresholds.toml").read_text(encoding="utf-8")
)


def build_alerts(events: DataFrame, readings: DataFrame) -> DataFrame:
    """One row per critical event that nobody resolved, and per reading beyond its metric's warning thresholds.

    `alert_id` follows from the event or reading; `value` and `threshold`, in the metric's unit, are null for
    an event.
    """
    return _of_events(events).unionByName(_of_readings(readings))


def _of_events(events: DataFrame) -> DataFrame:
    nothing = F.lit(None).cast("double")
    unresolved = events.where("severity = 'Critical' AND NOT coalesce(resolved, false)")
    return _alerts(unresolved, "event", F.col("event_type"), "Critical", nothing, nothing)


def _of_readings(readings: DataFrame) -> DataFrame:
    low, high, value = _threshold("low"), _threshold("high"), F.col("metric_value")
    beyond = readings.withColumn("threshold", F.when(value > high, high).when(value < low, low)).where(
        "threshold IS NOT NULL"
    )
    side = F.when(value > F.col("threshold"), "High").otherwise("Low")
    kind = F.concat_ws(" ", side, "metric_name")
    return _alerts(beyond, "reading", kind, "Warning", value, F.col("threshold"))


def _threshold(side: str) -> Column:
    """The lower or upper threshold of a reading's metric; null where it has none."""
    known = [
        F.when(F.col("metric_name") == metric, float(bounds[side]))
        for metric, bounds in THRESHOLDS.items()
        if side in bounds
    ]
    return F.coalesce(*known, F.lit(None).cast("double"))


def _alerts(
    rows: DataFrame, origin: str, kind: Column, severity: str, value: Column, threshold: Column
) -> DataFrame:
    return rows.select(
        F.concat_ws("-", F.lit(origin), f"{origin}_id").alias("alert_id"),
        "event_date",
        "device_id",
        "device_type",
        kind.alias("kind"),
        F.lit(severity).alias("severity"),
        value.alias("value"),
        threshold.alias("threshold"),
        F.col("timestamp").alias("raised_at"),
    )
