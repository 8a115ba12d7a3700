"""Gold: built for the dates that a night touched, in staging tables of DuckDB that nobody else sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from peer.devices import fleet
from peer.lake import Lake
from peer.silver import of_dates
from peer.sources import SOURCES

READINGS, EVENTS = SOURCES["readings"], SOURCES["events"]
_VALUE = "CAST(metric_value AS DECIMAL(18,6))"
MEAN = f"round(sum({_VALUE})::DOUBLE / nullif(count(metric_value), 0), 6)"
# Metric -> warning threshold, in its unit.
LOW = {"temperature": -10.0, "humidity": 20.0, "pressure": 970.0}
HIGH = {"temperature": 45.0, "humidity": 95.0, "pressure": 1050.0, "power": 120.0, "vibration": 8.0}


@dataclass(frozen=True)
class Slices:
    """The slices of a gold table that a night replaces: values of its date column."""

    column: str
    dates: list[date]


def staged(table: str) -> str:
    """Name of the table in which new rows of a gold table wait to be published."""
    return f"staged_{table}"


def build(lake: Lake, night: date, dates: Mapping[str, list[date]]) -> dict[str, Slices]:
    """Stage the gold tables for a night; `dates` are the event dates that it touched, by source.

    Returns the slices to be published of each table.
    """
    touched = sorted({*dates["readings"], *dates["events"]})
    lake.execute(f"CREATE OR REPLACE TEMP TABLE fleet AS {fleet(lake, night)}")
    queries = {
        "sensor_hourly": (Slices("event_date", dates["readings"]), _sensor_hourly(lake, dates["readings"])),
        "device_anomalies": (Slices("night", [night]), _device_anomalies(lake, night)),
        "alerts": (Slices("event_date", touched), _alerts(lake, touched)),
        "device_health": (Slices("night", [night]), _device_health(night)),
        "site_events": (Slices("night", [night]), _site_events(lake, night)),
    }
    for table, (_, query) in queries.items():
        lake.execute(f"CREATE OR REPLACE TEMP TABLE {staged(table)} AS {query}")
    return {table: slices for table, (slices, _) in queries.items()}


def _stddev() -> str:
    """Sample standard deviation, rounded to 6 digits; null below two values."""
    total, count = f"sum({_VALUE})::DOUBLE", "count(metric_value)"
    squares = f"sum({_VALUE}::DECIMAL(38,6) * {_VALUE}::DECIMAL(38,6))::DOUBLE"
    variance = f"({squares} - {total} * {total} / nullif({count}, 0)) / nullif({count} - 1, 0)"
    return f"round(sqrt(CASE WHEN {variance} < 0 THEN 0.0 ELSE {variance} END), 6)"


def _sensor_hourly(lake: Lake, dates: list[date]) -> str:
    """One row per device, metric and hour that has a reading."""
    columns = 'event_date, "timestamp", device_id, metric_name, metric_value, is_anomaly'
    return f"""
        SELECT event_date, date_trunc('hour', "timestamp") AS hour, device_id, metric_name,
               count(*) AS reading_count, {MEAN} AS avg_value, min(metric_value) AS min_value,
               max(metric_value) AS max_value, {_stddev()} AS stddev_value,
               count(*) FILTER (is_anomaly) AS anomaly_count
        FROM {lake.rows(READINGS.silver_table, "event_date", dates, columns)} GROUP BY ALL"""


def _device_anomalies(lake: Lake, night: date) -> str:
    """One row per device and metric with more than 10 anomalies in the 7 days that end with the night."""
    return f"""
        SELECT DATE '{night}' AS night, device_id, device_type, metric_name, count(*) AS reading_count,
               {MEAN} AS avg_value, {_stddev()} AS stddev_value, count(*) FILTER (is_anomaly) AS anomaly_count
        FROM {of_dates(lake, READINGS, _days_until(night, 7))} WHERE _night <= DATE '{night}'
        GROUP BY ALL HAVING count(*) FILTER (is_anomaly) > 10"""


def _alerts(lake: Lake, dates: list[date]) -> str:
    """One row per critical event that nobody resolved, and per reading beyond its metric's warning thresholds."""
    return f"""
        WITH compared AS (
            SELECT *, CASE WHEN metric_value > {_threshold(HIGH)} THEN {_threshold(HIGH)}
                           WHEN metric_value < {_threshold(LOW)} THEN {_threshold(LOW)} END AS threshold
            FROM {of_dates(lake, READINGS, dates)})
        SELECT 'reading-' || reading_id AS alert_id, event_date, device_id, device_type,
               CASE WHEN metric_value > threshold THEN 'High ' ELSE 'Low ' END || metric_name AS kind,
               'Warning' AS severity, metric_value AS value, threshold, "timestamp" AS raised_at
        FROM compared WHERE threshold IS NOT NULL
        UNION ALL
        SELECT 'event-' || event_id, event_date, device_id, device_type, event_type, 'Critical', NULL, NULL, "timestamp"
        FROM {of_dates(lake, EVENTS, dates)} WHERE severity = 'Critical' AND NOT coalesce(resolved, false)"""


def _device_health(night: date) -> str:
    """One row per device type and status, as the fleet stood when the night ended."""
    age = f"greatest(date_diff('day', install_date, DATE '{night}'), 0)"
    return f"""
        SELECT DATE '{night}' AS night, device_type, status, count(*) AS device_count,
               round(sum(CAST({age} AS DECIMAL(18,6)))::DOUBLE / count(*), 6) AS avg_age_days
        FROM fleet GROUP BY ALL"""


def _site_events(lake: Lake, night: date) -> str:
    """One row per registered device: its events in the 30 days that end with the night."""
    return f"""
        WITH counted AS (
            SELECT device_id, count(*) AS event_count, count(*) FILTER (severity = 'Critical') AS critical_count
            FROM {of_dates(lake, EVENTS, _days_until(night, 30))} WHERE _night <= DATE '{night}' GROUP BY ALL)
        SELECT DATE '{night}' AS night, device_id, location_id, latitude, longitude,
               coalesce(event_count, 0) AS event_count, coalesce(critical_count, 0) AS critical_count
        FROM fleet LEFT JOIN counted USING (device_id)"""


def _threshold(of_metrics: Mapping[str, float]) -> str:
    cases = " ".join(f"WHEN '{metric}' THEN {value}::DOUBLE" for metric, value in of_metrics.items())
    return f"CASE metric_name {cases} END"


def _days_until(night: date, days: int) -> list[date]:
    return [night - timedelta(ago) for ago in range(days)]
