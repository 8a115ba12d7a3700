"""Outliers of the room climate: what the simulation puts in, and what the query finds."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from math import sqrt

import pytest
from pyspark.sql import functions as F

from jobs import query, schema, store
from jobs.generate.sensor_logs import FEED, TICKS
from jobs.generate.values import Values
from jobs.gold.climate_hourly import build_climate_hourly
from jobs.settings import FIRST_NIGHT
from jobs.tables import GOLD

CLIMATE = GOLD["climate_hourly"]
NIGHT = date(2024, 3, 5)


@pytest.fixture
def simulated(spark, compiled):
    """Readings of a lake's first nights before anything goes wrong with them: all, or one in so many."""

    def of(nights: int, one_in: int = 1):
        ticks = TICKS // one_in
        rows = spark.range(nights * ticks).selectExpr(
            f"id div {ticks} AS night_index", f"{one_in} * (id % {ticks}) AS row"
        )
        for name, (kind, expression) in FEED.columns(Values(42, "sensor_logs")).items():
            rows = rows.withColumn(name, F.expr(f"CAST({expression} AS {kind})"))
        return rows.withColumns(
            {"event_date": F.to_date("timestamp"), "hour": F.date_trunc("hour", "timestamp")}
        )

    return of


@pytest.fixture
def keep(spark, lake):
    """Put a frame into the lake's hourly climate."""
    schema.ensure(spark, lake("query"), [CLIMATE.full_name])
    return lambda frame: store.append(lake("query"), CLIMATE.full_name, frame)


@pytest.fixture
def put(spark, keep):
    """Put days of rooms into it, as `day` gives them."""
    return lambda *days: keep(spark.createDataFrame([row for rows in days for row in rows], CLIMATE.columns))


@pytest.fixture
def outliers(spark, lake):
    """What the query answers about a night."""

    def of(night: date = NIGHT) -> list[tuple]:
        asked = query.queries()["climate_outliers"]
        return [tuple(row) for row in query.ask(spark, lake("query", night=night), asked, 1000).rows]

    return of


def day(before: int, room="Room_A", hours=range(24), fahrenheit=None, percent=None) -> list[tuple]:
    """Hours of a room so many days before the night: 70, 71, 72 °F and 40, 41, 42 % in turn, or as given by hour."""
    night = NIGHT - timedelta(days=before)
    degrees = {hour: 70.0 + hour % 3 for hour in hours} | (fahrenheit or {})
    humidity = {hour: 40.0 + hour % 3 for hour in hours} | (percent or {})
    begins = datetime(night.year, night.month, night.day)
    return [
        (night, begins + timedelta(hours=hour), room, 180, degrees[hour], humidity[hour]) for hour in hours
    ]


def at(hour: int) -> datetime:
    return datetime(2024, 3, 5, hour)


def test_an_hour_far_from_what_the_room_usually_has_is_found_and_one_less_far_is_not(put, outliers):
    # The median is 71 and most hours are 1 from it, so 9 from it is a score of 6.07.
    put(
        *[day(before, room) for before in (2, 1) for room in ("Room_A", "Room_B")],
        day(0, fahrenheit={5: 80.0, 6: 79.8, 8: 62.0}, percent={5: 49.8}),
        day(0, "Room_B", percent={5: 32.0}),
    )
    assert outliers() == [
        ("Room_A", at(5), "temperature", 80.0, 71.0, 6.1),
        ("Room_B", at(5), "humidity", 32.0, 41.0, -6.1),
        ("Room_A", at(8), "temperature", 62.0, 71.0, -6.1),
    ]


def test_nothing_is_said_of_a_room_with_fewer_than_48_hours_before(put, outliers):
    put(day(0, fahrenheit={5: 120.0}))
    assert outliers() == [], "the first night"
    # Neither another room's hours help, nor those of eight days before.
    put(day(1), day(2, hours=range(23)), day(3, "Room_B"), day(8))
    assert outliers() == []
    put(day(7, hours=[0]))
    assert [row[:3] for row in outliers()] == [("Room_A", at(5), "temperature")]


def test_nothing_after_the_night_changes_its_answer(put, outliers):
    put(day(2), day(1), day(0, fahrenheit={5: 80.0}))
    before = outliers()
    put(*[day(-after, fahrenheit=dict.fromkeys(range(24), 80.0)) for after in (1, 2, 3)])
    assert len(before) == 1 and outliers() == before


def test_where_most_hours_were_alike_nothing_is_said(put, outliers):
    alike = dict.fromkeys(range(24), 71.0)
    put(day(2, fahrenheit=alike), day(1, fahrenheit=alike), day(0, fahrenheit={5: 80.0}))
    assert outliers() == []


def test_one_day_of_a_room_in_ten_has_an_incident_of_three_whole_hours(simulated):
    nights = 366
    found = simulated(nights, one_in=5).groupBy("event_date", "location", F.hour("hour").alias("hour"))
    hours = found.agg(F.collect_set("_incident").alias("kinds")).collect()
    assert len(hours) == nights * 4 * 24
    assert all(len(hour.kinds) == 1 for hour in hours), "all readings of a room's hour agree"

    days: dict[tuple, list] = {}
    for hour in hours:
        if hour.kinds != ["none"]:
            days.setdefault((hour.event_date, hour.location), []).append((hour.hour, hour.kinds[0]))
    share = len(days) / (nights * 4)
    assert share == pytest.approx(0.1, abs=5 * sqrt(0.1 * 0.9 / (nights * 4)))
    begins = set()
    for day, of_day in days.items():
        first, kind = min(of_day)
        assert sorted(of_day) == [(first + n, kind) for n in range(3)], day
        begins.add(first)
    assert begins == set(range(22))


def test_in_an_incident_a_room_keeps_to_an_outer_third_of_the_usual_range(simulated):
    columns = ("temperature", "humidity")
    found = simulated(366, one_in=5).groupBy("_incident").agg(
        F.count("*").alias("rows"),
        *[F.struct(F.min(name), F.max(name), F.avg(name)).alias(name) for name in columns],
    )  # fmt: skip
    usual = {"temperature": (65, 80), "humidity": (30, 60)}
    ranges = {
        "none": usual,
        "cold": {**usual, "temperature": (65, 70)},
        "hot": {**usual, "temperature": (75, 80)},
        "dry": {**usual, "humidity": (30, 40)},
        "damp": {**usual, "humidity": (50, 60)},
    }
    rows = {row["_incident"]: row for row in found.collect()}
    assert rows.keys() == ranges.keys()
    for kind, row in rows.items():
        assert row.rows > 3000
        for name, (low, high) in ranges[kind].items():
            lowest, highest, mean = row[name]
            assert (lowest, highest) == (low, high), (kind, name)
            error = (high - low) / sqrt(12 * row.rows)
            assert mean == pytest.approx((low + high) / 2, abs=5 * error), (kind, name)


def test_the_query_finds_each_hour_of_each_simulated_incident_and_no_other(simulated, keep, outliers):
    """An hour's mean of 180 readings spreads by 0.32 °F, so an incident's 5 °F are a score of about 15."""
    first_asked, nights = 2, 20
    readings = simulated(nights)
    keep(build_climate_hourly(readings))
    measure = F.expr("IF(_incident IN ('cold', 'hot'), 'temperature', 'humidity')")
    true = readings.where(f"_incident <> 'none' AND night_index >= {first_asked}")
    hours = true.select("location", "hour", measure.alias("measure")).distinct().collect()
    assert len(hours) >= 18, "at least six incidents, or there is too little to find"

    asked = [FIRST_NIGHT + timedelta(days=n) for n in range(first_asked, nights)]
    with ThreadPoolExecutor(3) as pool:
        found = [row for answer in pool.map(outliers, asked) for row in answer]
    assert sorted(row[:3] for row in found) == sorted(map(tuple, hours))
    assert min(abs(score) for *_, score in found) > 8, "none was found by a hair"
