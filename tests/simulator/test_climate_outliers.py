"""Outliers of the room climate: what the simulation puts in, and what the query finds."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import count
from math import sqrt

import pytest
from pyspark.sql import functions as F

from catalog.tables import GOLD
from jobs.delta.lake import Lake
from jobs.generate.arguments import FIRST_NIGHT
from jobs.generate.feeds.sensor_logs import FEED, TICKS
from jobs.generate.values import Values
from jobs.gold.tables.climate_hourly import build_climate_hourly
from jobs.report import query
from tests.simulator.nights import parquet

CLIMATE = GOLD["climate_hourly"]
# The query looks back seven days: tests whose nights are a month apart do not see each other's hours.
NIGHTS = (date(2024, 3, 5) + timedelta(days=30 * number) for number in count())


@pytest.fixture(scope="module")
def simulated_rooms(spark, kept):
    """Parquet with readings of a lake's first nights before anything goes wrong with them: all, or one in so many."""

    def of(nights: int, one_in: int = 1):
        ticks = TICKS // one_in
        rows = spark.range(0, nights * ticks, 1, 2).selectExpr(
            f"id div {ticks} AS night_index", f"{one_in} * (id % {ticks}) AS row"
        )
        for name, (kind, expression) in FEED.columns(Values(42, "sensor_logs")).items():
            rows = rows.withColumn(name, F.expr(f"CAST({expression} AS {kind})"))
        return rows.select("night_index", "timestamp", "location", "temperature", "humidity", "_incident")

    return lambda nights, one_in=1: kept(f"rooms_{nights}_{one_in}", lambda: of(nights, one_in))


@pytest.fixture(scope="module")
def climate(spark, module_lake):
    """Put a frame into the hourly climate of these tests' lake."""
    Lake(spark, module_lake("query")).ensure([CLIMATE.full_name])
    return lambda frame: Lake(spark, module_lake("query")).append(CLIMATE.full_name, frame)


@pytest.fixture(scope="module")
def outliers(spark, module_lake):
    """What the query answers about a night."""

    def of(night: date) -> list[tuple]:
        asked = query.queries()["climate_outliers"]
        return [
            tuple(row) for row in query.ask(Lake(spark, module_lake("query", night=night)), asked, 1000).rows
        ]

    return of


@pytest.fixture
def put(spark, climate):
    """Put days of rooms into it, as `day` gives them."""
    return lambda *days: climate(
        spark.createDataFrame([row for rows in days for row in rows], CLIMATE.columns)
    )


def day(
    night: date, before: int, room="Room_A", hours=range(24), fahrenheit=None, percent=None
) -> list[tuple]:
    """Hours of a room so many days before a night: 70, 71, 72 °F and 40, 41, 42 % in turn, or as given by hour."""
    of_day = night - timedelta(days=before)
    degrees = {hour: 70.0 + hour % 3 for hour in hours} | (fahrenheit or {})
    humidity = {hour: 40.0 + hour % 3 for hour in hours} | (percent or {})
    return [(of_day, at(of_day, hour), room, 180, degrees[hour], humidity[hour]) for hour in hours]


def at(of_day: date, hour: int) -> datetime:
    return datetime(of_day.year, of_day.month, of_day.day, hour)


def test_an_hour_far_from_what_the_room_usually_has_is_found_and_one_less_far_is_not(put, outliers):
    night = next(NIGHTS)
    # The median is 71 and most hours are 1 from it, so 9 from it is a score of 6.07.
    put(
        *[day(night, before, room) for before in (2, 1) for room in ("Room_A", "Room_B")],
        day(night, 0, fahrenheit={5: 80.0, 6: 79.8, 8: 62.0}, percent={5: 49.8}),
        day(night, 0, "Room_B", percent={5: 32.0}),
    )
    assert outliers(night) == [
        ("Room_A", at(night, 5), "temperature", 80.0, 71.0, 6.1),
        ("Room_B", at(night, 5), "humidity", 32.0, 41.0, -6.1),
        ("Room_A", at(night, 8), "temperature", 62.0, 71.0, -6.1),
    ]


def test_nothing_is_said_of_a_room_with_fewer_than_48_hours_before(put, outliers):
    first, too_few, enough = (next(NIGHTS) for _ in range(3))
    # Neither another room's hours help, nor those of eight days before.
    put(
        *[day(night, 0, fahrenheit={5: 120.0}) for night in (first, too_few, enough)],
        *[hours for night in (too_few, enough) for hours in (day(night, 1), day(night, 2, hours=range(23)))],
        *[hours for night in (too_few, enough) for hours in (day(night, 3, "Room_B"), day(night, 8))],
        day(enough, 7, hours=[0]),
    )
    assert outliers(first) == outliers(too_few) == []
    assert [row[:3] for row in outliers(enough)] == [("Room_A", at(enough, 5), "temperature")]


def test_nothing_after_the_night_changes_its_answer(put, outliers):
    night = next(NIGHTS)
    put(day(night, 2), day(night, 1), day(night, 0, fahrenheit={5: 80.0}))
    before = outliers(night)
    put(*[day(night, -after, fahrenheit=dict.fromkeys(range(24), 80.0)) for after in (1, 2, 3)])
    assert len(before) == 1 and outliers(night) == before


def test_where_most_hours_were_alike_nothing_is_said(put, outliers):
    night, alike = next(NIGHTS), dict.fromkeys(range(24), 71.0)
    put(
        day(night, 2, fahrenheit=alike),
        day(night, 1, fahrenheit=alike),
        day(night, 0, fahrenheit={5: 80.0}),
    )
    assert outliers(night) == []


def test_one_day_of_a_room_in_ten_has_an_incident_of_three_whole_hours(simulated_rooms):
    nights = 366
    hour = "night_index, location, hour(timestamp)"
    hours = (
        parquet(simulated_rooms(nights, one_in=5))
        .aggregate(f"{hour}, list(DISTINCT _incident)", hour)
        .fetchall()
    )
    assert len(hours) == nights * 4 * 24
    assert all(len(kinds) == 1 for *_, kinds in hours), "all readings of a room's hour agree"

    days: dict[tuple, list] = {}
    for night_index, location, hour, kinds in hours:
        if kinds != ["none"]:
            days.setdefault((night_index, location), []).append((hour, kinds[0]))
    share = len(days) / (nights * 4)
    assert share == pytest.approx(0.1, abs=5 * sqrt(0.1 * 0.9 / (nights * 4)))
    begins = set()
    for day, of_day in days.items():
        first, kind = min(of_day)
        assert sorted(of_day) == [(first + n, kind) for n in range(3)], day
        begins.add(first)
    assert begins == set(range(22))


def test_in_an_incident_a_room_keeps_to_an_outer_third_of_the_usual_range(simulated_rooms):
    measures = ("temperature", "humidity")
    columns = [f"min({name}), max({name}), avg({name})" for name in measures]
    found = parquet(simulated_rooms(366, one_in=5)).aggregate(
        f"_incident, count(*), {', '.join(columns)}", "_incident"
    )
    usual = {"temperature": (65, 80), "humidity": (30, 60)}
    ranges = {
        "none": usual,
        "cold": {**usual, "temperature": (65, 70)},
        "hot": {**usual, "temperature": (75, 80)},
        "dry": {**usual, "humidity": (30, 40)},
        "damp": {**usual, "humidity": (50, 60)},
    }
    kinds = {
        kind: (rows, dict(zip(measures, (of[:3], of[3:]), strict=True)))
        for kind, rows, *of in found.fetchall()
    }
    assert kinds.keys() == ranges.keys()
    for kind, (rows, of) in kinds.items():
        assert rows > 3000
        for name, (low, high) in ranges[kind].items():
            lowest, highest, mean = of[name]
            assert (lowest, highest) == (low, high), (kind, name)
            error = (high - low) / sqrt(12 * rows)
            assert mean == pytest.approx((low + high) / 2, abs=5 * error), (kind, name)


def test_the_query_finds_each_hour_of_each_simulated_incident_and_no_other(
    spark, simulated_rooms, climate, outliers
):
    """An hour's mean of 180 readings spreads by 0.32 °F, so an incident's 5 °F are a score of about 15."""
    first_asked, nights = 2, 20
    path = simulated_rooms(nights)
    hours = (
        parquet(path)
        .filter(f"_incident <> 'none' AND night_index >= {first_asked}")
        .project(
            "location, date_trunc('hour', timestamp), "
            "CASE WHEN _incident IN ('cold', 'hot') THEN 'temperature' ELSE 'humidity' END"
        )
    )
    true = sorted(set(hours.fetchall()))
    assert len(true) >= 18, "at least six incidents, or there is too little to find"

    logs = spark.read.parquet(str(path)).withColumn("timestamp", F.col("timestamp").cast("timestamp"))
    climate(build_climate_hourly(logs.withColumn("event_date", F.to_date("timestamp"))))
    asked = [FIRST_NIGHT + timedelta(days=n) for n in range(first_asked, nights)]
    with ThreadPoolExecutor(3) as pool:
        found = [row for answer in pool.map(outliers, asked) for row in answer]
    assert sorted(row[:3] for row in found) == true
    assert min(abs(score) for *_, score in found) > 8, "none was found by a hair"
