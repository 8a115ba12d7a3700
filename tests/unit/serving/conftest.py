"""A small lake whose tables delta-rs writes, with what Spark would have written into their logs."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, write_deltalake

NAN, INFINITY = float("nan"), float("inf")
HOURS = pa.schema(
    [
        ("event_date", pa.date32()),
        ("hour", pa.timestamp("us", "UTC")),
        ("location", pa.string()),
        ("log_count", pa.int64()),
        ("avg_temperature_f", pa.float64()),
        ("avg_humidity_percent", pa.float64()),
    ]
)


def at(day: int, hour: int = 0, microsecond: int = 0) -> datetime:
    return datetime(2024, 3, day, hour, microsecond=microsecond, tzinfo=UTC)


def hours(day: int, *rows: tuple[str | None, int | None, float | None]) -> pa.Table:
    """Rows of gold.climate_hourly, one an hour: room, count, temperature."""
    return pa.Table.from_pylist(
        [
            {
                "event_date": date(2024, 3, day),
                "hour": at(day, number, 1234),
                "location": room,
                "log_count": count,
                "avg_temperature_f": temperature,
                "avg_humidity_percent": temperature,
            }
            for number, (room, count, temperature) in enumerate(rows)
        ],
        HOURS,
    )


def publish(lake: Path, name: str, rows: pa.Table, night: int, stage: str = "publish") -> None:
    """Append rows to a table, as the run of a night in March 2024 signs its commit."""
    layer, _, table = name.partition(".")
    folder = lake / "warehouse" / f"{layer}.db" / table
    metadata = {"run_id": f"run-{night}", "stage": stage, "night": f"2024-03-{night:02d}"}
    write_deltalake(
        folder,
        rows,
        mode="append",
        partition_by=[rows.column_names[0]],
        commit_properties=CommitProperties(custom_metadata={"userMetadata": json.dumps(metadata)}),
    )
    _as_spark_writes(folder)


def _as_spark_writes(folder: Path) -> None:
    """Statistics of the newest commit as Delta on Spark has them: NaN is the greatest number, times are cut."""
    log = max((folder / "_delta_log").glob("*.json"))
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    for add in (entry["add"] for entry in entries if "add" in entry):
        statistics = json.loads(add["stats"])
        for column in ("avg_temperature_f", "avg_humidity_percent"):
            if statistics["nullCount"].get(column) is not None:
                statistics["maxValues"][column] = "NaN"
        add["stats"] = json.dumps(statistics)
    log.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """gold.climate_hourly after two nights; in each file all numbers are equal but for a NaN."""
    day = [("Room_A", 3, 3.0), ("Room_B", 1, NAN), ("Room_A", 2, 3.0), (None, None, None)]
    publish(tmp_path, "gold.climate_hourly", hours(5, *day), 5)
    publish(tmp_path, "gold.climate_hourly", hours(6, *day[:2], ("Room_C", 9, INFINITY)), 6)
    return tmp_path
