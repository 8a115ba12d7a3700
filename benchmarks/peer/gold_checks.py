"""What must hold of staged gold before it is published."""

from __future__ import annotations

from dataclasses import dataclass

from peer.gold import staged
from peer.lake import ContractBroken, Lake
from peer.sources import RANGES, STATUSES, TYPES, among


@dataclass(frozen=True)
class Contract:
    """A table's key, and the SQL conditions that no row may meet."""

    key: tuple[str, ...]
    never: tuple[str, ...]


CONTRACTS = {
    "sensor_hourly": Contract(
        ("device_id", "metric_name", "hour"),
        (
            "event_date IS NULL",
            f"metric_name NOT IN {among(RANGES)}",
            "reading_count < 1",
            "stddev_value < 0",
            "NOT (hour::DATE = event_date AND hour = date_trunc('hour', hour))",
            "NOT ((avg_value IS NULL) = (min_value IS NULL) AND (avg_value IS NULL) = (max_value IS NULL))",
            "NOT (avg_value BETWEEN min_value - 1e-6 AND max_value + 1e-6)",
            "NOT (anomaly_count BETWEEN 0 AND reading_count)",
        ),
    ),
    "device_anomalies": Contract(
        ("night", "device_id", "metric_name"),
        ("device_id IS NULL", "anomaly_count < 11", "anomaly_count > reading_count"),
    ),
    "alerts": Contract(
        ("alert_id",),
        (
            "alert_id IS NULL",
            "device_id IS NULL",
            "kind IS NULL",
            "severity NOT IN ('Critical', 'Warning')",
            "event_date IS DISTINCT FROM raised_at::DATE",
            "severity = 'Warning' AND NOT coalesce(value <> threshold, false)",
        ),
    ),
    "device_health": Contract(
        ("night", "device_type", "status"),
        (
            f"device_type IS NULL OR device_type NOT IN {among(TYPES)}",
            f"status IS NULL OR status NOT IN {among(STATUSES)}",
            "device_count < 1",
            "avg_age_days < 0",
        ),
    ),
    "site_events": Contract(
        ("night", "device_id"),
        (
            "device_id IS NULL",
            "event_count IS NULL",
            "latitude NOT BETWEEN -90 AND 90",
            "longitude NOT BETWEEN -180 AND 180",
            "NOT (critical_count BETWEEN 0 AND event_count)",
        ),
    ),
}


def check(lake: Lake) -> list[str]:
    """Return what is unusual about the staged tables. Raises ContractBroken for the first that breaks its contract."""
    unusual = []
    for table, contract in CONTRACTS.items():
        counts = ", ".join(f"count(*) FILTER ({condition})" for condition in contract.never)
        rows, keys, *met = lake.fetch_one(
            f"SELECT count(*), count(DISTINCT ({', '.join(contract.key)})), {counts} FROM {staged(table)}"
        )
        broken = [condition for condition, count in zip(contract.never, met, strict=True) if count]
        if keys != rows:
            broken.append("a key stands there twice")
        if broken:
            raise ContractBroken(f"gold.{table}: {'; '.join(broken)}")
        unusual += [f"gold.{table}: no rows"] if not rows else []
    return unusual
