"""Outliers of the room climate: what the simulation puts in."""

from math import sqrt

import pytest
from pyspark.sql import functions as F

from jobs.generate.sensor_logs import FEED, TICKS
from jobs.generate.values import Values


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
