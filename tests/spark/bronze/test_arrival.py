"""Files of any time, delivered while old nights are run: each is taken in once, and belongs to the day it arrived."""

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jobs import runner
from jobs.bronze import stage, uploads
from jobs.delta.lake import Lake
from tests.support.stages import stand_still

FIRST, SECOND = date(2024, 3, 1), date(2024, 3, 2)
TABLES = frozenset({"sensor_logs", "iot_events"})
HEADER = "sensor_id,timestamp,temperature,humidity,location\n"
DAY = 86400


def event(number: int, at: datetime) -> str:
    """A line of a gateway."""
    fields = {"event_id": f"e-{number}", "device_type": "climate", "firmware_version": "1.2.3"}
    numbers = {"battery_level": 88.5, "temperature": 21.4, "humidity": 40.2, "pressure": 1012.3}
    texts = {"sensor_id": "S-1", "status": "active", "region": "north"}
    at_second = {"timestamp": f"{at:%Y-%m-%d %H:%M:%S}", "json_column": {"a": 1}}
    return json.dumps({**fields, **numbers, **texts, **at_second}) + "\n"


def record(sensor: int, count: int = 1) -> str:
    return "".join(f"{sensor},2025-05-01 06:{minute:02}:00,70.1,40.0,Room_A\n" for minute in range(count))


def write_until(is_over: threading.Event, upload: Path) -> None:
    """Write ten records of a file that has ten already, as soon as it is time; until then keep it growing."""
    with upload.open("a") as lines:
        while not is_over.wait(0.05):
            lines.write("\n")
            lines.flush()
        lines.write("".join(record(4, 20).splitlines(keepends=True)[10:]))


@pytest.fixture(scope="module")
def lake(spark, module_lake):
    """Two old nights, the later one first; before each, files are delivered. Settings, and each night's results."""
    landing = module_lake("bronze").landing

    def put(name: str, *lines: str, age: int = 60) -> Path:
        file = landing / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(lines))
        os.utime(file, (time.time() - age,) * 2)
        return file

    def run(night: date, *stages: str) -> dict:
        results = {}
        for step in stages:
            name, _, layer = step.partition(" ")
            settings = module_lake(name, night=night, tables=TABLES, **({"layer": layer} if layer else {}))
            results[step] = runner.stage(name)(Lake(spark, settings))
        return results

    week = [event(day, datetime(2024, 3, day, 12)) for day in range(1, 8)]
    put("iot_events/week.json", *week, age=10 * DAY)
    now = datetime.now(UTC)
    # A device whose clock is a minute ahead, and two that are wrong.
    minute = min(now + timedelta(minutes=1), now.replace(hour=23, minute=59, second=59))
    times = {
        8: now - timedelta(hours=1),
        9: minute,
        10: now + timedelta(hours=1),
        11: now + timedelta(days=1),
    }
    put("iot_events/today.json", *(event(number, at) for number, at in times.items()))
    put("iot_events/arrived=2024-03-01/a.json", event(12, datetime(2024, 3, 1, 23, 59, 59)))
    put("iot_events/arrived=2024-03-01/b.json", event(13, datetime(2024, 3, 2)))
    put("sensor_logs/new.csv", HEADER, record(1))
    put("sensor_logs/ahead.csv", HEADER, record(2), age=-60 * DAY)
    put("sensor_logs/touched.csv", HEADER, record(3), age=10 * DAY)
    upload, is_over = put("sensor_logs/upload.csv", HEADER, record(4, 10), age=0), threading.Event()
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as sender:
        patch.setattr(uploads, "QUIET", 1)
        sender.submit(write_until, is_over, upload)
        try:
            first = run(SECOND, "bronze")
        finally:
            is_over.set()
    run(SECOND, "silver")
    stand_still(upload)
    put("sensor_logs/old.csv", HEADER, record(5, 2), age=30 * DAY)
    put("sensor_logs/later.csv", HEADER, record(6))
    # One of a source that has a file of the future, by whose time Spark forgets others, and one of a source without.
    for name in ("sensor_logs/arrived=2*/at-*-touched.csv", "iot_events/arrived=2*/at-*-week.json"):
        (touched,) = landing.glob(name)
        touched.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "BATCHES_KEPT", 0)
        second = run(FIRST, "bronze")
    second |= run(FIRST, "check bronze", "silver", "check silver")
    return module_lake, first, second


@pytest.fixture(scope="module")
def table(spark, lake):
    return lambda name: spark.table(lake[0]("verify").table(name))


def test_every_file_is_taken_in_once_whatever_its_time_says(table):
    counted = table("bronze.sensor_logs").groupBy("sensor_id").count().collect()
    assert {row.sensor_id: row["count"] for row in counted} == {1: 1, 2: 1, 3: 1, 4: 20, 5: 2, 6: 1}


def test_an_upload_waits_for_the_next_run_which_takes_it_in_whole(lake, table):
    results = {result.table: result for result in lake[1]["bronze"]}
    assert results["bronze.sensor_logs"].detail == {"still_being_written": ["upload.csv"]}
    assert results["bronze.sensor_logs"].rows == 3
    assert table("silver.sensor_logs").where("sensor_id = 4").count() == 20


def test_a_run_counts_the_lines_that_it_appends(lake):
    """The first from the progress of its streams; the second from the tables' logs, as after many batches."""
    _, *runs = lake
    counted = [{result.table: result.rows for result in run["bronze"]} for run in runs]
    assert counted == [
        {"bronze.iot_events": 13, "bronze.sensor_logs": 3},
        {"bronze.iot_events": 0, "bronze.sensor_logs": 23},
    ]


def test_rows_belong_to_the_day_on_which_their_file_arrived_and_every_account_balances(table):
    rows = table("ops.row_accounts").where("landed > 0").collect()
    assert all(row.is_balanced for row in rows)
    days = {(row.source, row.night): row.landed for row in rows}
    assert days.pop(("iot_events", FIRST)) == 2
    assert {source for source, _ in days} == TABLES and min(day for _, day in days) > date(2025, 1, 1)
    assert sum(days.values()) == 11 + 26


def test_a_row_is_of_the_future_only_by_the_instant_at_which_its_file_arrived(table):
    kept = {row.event_id for row in table("silver.iot_events").collect()}
    refused = table("ops.quarantine").collect()
    assert {row.key for row in refused} == {"e-10", "e-11", "e-13"}
    assert {reason for row in refused for reason in row.reasons} == {"dated after it arrived"}
    assert kept == {f"e-{number}" for number in (*range(1, 10), 12)}


def test_a_run_checks_the_rows_of_all_nights_that_it_reconciles(lake):
    _, _, results = lake
    for layer in ("bronze", "silver"):
        checked = {result.table: result.rows for result in results[f"check {layer}"]}
        assert checked[f"{layer}.sensor_logs"] == 26, "23 came since the first run, to the same day"
    assert checked["silver.iot_events"] == 10, "of which none came since then"
