"""What a page of the API over gold takes, and what DuckDB takes for the same rows from the same files.

    .venv/airflow/bin/python benchmarks/api.py [--nights 366] [--rows 12000]      prints Markdown

A lake in a temporary folder gets as many nights of `gold.sensor_hourly` as a year has, one commit and one file each, as
publish leaves them. The API's time is from the text of a request to JSON, without HTTP; DuckDB's that of a query over
the files by names of partitions, fetched to Python. Each is the best of several, in turns, by the clock and by the
processor: both keep what they know of files. The rows must be the same, or it fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy
import pyarrow as pa
from deltalake import write_deltalake

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from serving.answers import Request, page
from serving.local import LocalLake

NAME = "gold.sensor_hourly"
FIRST = date(2024, 1, 1)
DEVICES = 10_000
TURNS = 7
# Page -> its conditions and order for the API, and for DuckDB.
PAGES = {
    "one device on one night": (
        ["event_date:eq:2024-03-05", "device_id:eq:42"],
        "hour,avg_value",
        "event_date = '2024-03-05' AND device_id = 42 ORDER BY hour, avg_value",
    ),
    "one night, the 1,000 highest": (
        ["event_date:eq:2024-03-05"],
        "-avg_value",
        "event_date = '2024-03-05' ORDER BY avg_value DESC",
    ),
    "one device over the year": (
        ["device_id:eq:42"],
        "hour,avg_value",
        "device_id = 42 ORDER BY hour, avg_value",
    ),
    "a metric over the year, the 1,000 highest": (
        ["metric_name:eq:power", "anomaly_count:gt:0"],
        "-avg_value",
        "metric_name = 'power' AND anomaly_count > 0 ORDER BY avg_value DESC",
    ),
}


def night(number: int, rows: int) -> pa.Table:
    """Return a night of hourly statistics, seeded by its number."""
    random = numpy.random.default_rng(number)
    day = FIRST + timedelta(number)
    begins = datetime(day.year, day.month, day.day)
    hours = numpy.sort(random.integers(0, 24, rows))
    values = random.normal(50, 15, rows)
    metrics = numpy.array(["temperature", "humidity", "pressure", "vibration", "power"])
    hour = pa.array([begins + timedelta(hours=int(each)) for each in hours], pa.timestamp("us"))
    return pa.table(
        {
            "event_date": pa.array([day] * rows, pa.date32()),
            "hour": hour.cast(pa.timestamp("us", "UTC")),
            "device_id": random.integers(1, DEVICES, rows),
            "metric_name": metrics[random.integers(0, 5, rows)],
            "reading_count": random.integers(1, 5, rows),
            "avg_value": values,
            "min_value": values - 1,
            "max_value": values + 1,
            "stddev_value": numpy.abs(values) / 50,
            "anomaly_count": (random.random(rows) < 0.02).astype("int64"),
        }
    )


def best(measured: dict[str, Callable[[], Any]]) -> dict[str, tuple[float, float]]:
    """Return the least seconds of each by the clock and by the processor, measured in turns."""
    found = {name: [] for name in measured}
    for _ in range(TURNS):
        for name, run in measured.items():
            clock, processor = time.perf_counter(), time.process_time()
            run()
            found[name].append((time.perf_counter() - clock, time.process_time() - processor))
    return {name: (min(a for a, _ in each), min(b for _, b in each)) for name, each in found.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nights", type=int, default=366)
    parser.add_argument("--rows", type=int, default=12_000, help="of a night (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "warehouse/gold.db/sensor_hourly")
        for number in range(options.nights):
            write_deltalake(folder, night(number, options.rows), mode="append", partition_by=["event_date"])
        lake = LocalLake(Path(home))
        files = f"read_parquet('{folder}/event_date=*/*.parquet', hive_partitioning = true)"
        columns = "event_date, hour, device_id, metric_name, avg_value"
        print(f"{options.nights} nights of {options.rows:,} rows, {duckdb.__version__=}")
        print(
            "\n| page | rows | API, ms | DuckDB, ms | ratio | ratio by the processor |\n|---|---|---|---|---|---|"
        )
        time.sleep(3)  # until the log counts as old enough
        with duckdb.connect() as database:
            database.execute("SET TimeZone = 'UTC'")
            for name, (where, order, condition) in PAGES.items():
                asked = Request(NAME, columns.replace(" ", ""), where, order, "", "", 1000, "json")
                # As it is fetched to Python with a zone it needs another package.
                selected = columns.replace("hour", "hour AT TIME ZONE 'UTC'")
                query = f"SELECT {selected} FROM {files} WHERE {condition} LIMIT 1000"
                ask = lambda asked=asked: page(lake, asked, "", 60).body  # noqa: E731
                select = lambda query=query: database.execute(query).fetchall()  # noqa: E731
                rows, other = json.loads(ask())["rows"], select()
                same = [(row["device_id"], row["metric_name"], row["avg_value"]) for row in rows]
                if same != [tuple(row[2:]) for row in other] or not rows:
                    raise SystemExit(f"{name}: the rows differ")
                took = best({"api": ask, "duckdb": select})
                (clock, processor), (its_clock, its_processor) = took["api"], took["duckdb"]
                print(
                    f"| {name} | {len(rows):,} | {clock * 1000:.0f} | {its_clock * 1000:.0f} "
                    f"| {clock / its_clock:.2f} | {processor / its_processor:.2f} |"
                )


if __name__ == "__main__":
    main()
