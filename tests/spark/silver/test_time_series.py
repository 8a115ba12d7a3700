"""Time series, from frames in sight and against pandas and plain Python, which know nothing of Spark's windows."""

import random
from datetime import datetime, timedelta

import pandas as pd
import pytest

from jobs.silver.time_series import as_of_join, ema, interpolate, moving_average, resample

DAY = datetime(2024, 3, 5)
HOUR = 3600  # seconds
SERIES = ["machine"]


def at(hour: float, day: datetime = DAY) -> datetime:
    return day + timedelta(hours=hour)


def irregular(seed: int, count: int = 120, days: int = 2) -> list[tuple]:
    """Readings of three machines at odd times over two days, one value in five missing, in no order."""
    chance = random.Random(seed)
    times = chance.sample(range(days * 86_400), count)
    return [
        (chance.randint(1, 3), DAY + timedelta(seconds=second),
         None if chance.random() < 0.2 else round(chance.uniform(-50, 50), 3))
        for second in times
    ]  # fmt: skip


def by_machine(rows: list[tuple]) -> dict[int, list[tuple]]:
    return {machine: sorted(row for row in rows if row[0] == machine) for machine in {row[0] for row in rows}}


def same(value: float | None, expected: float | None) -> bool:
    if expected is None or pd.isna(expected):
        return value is None
    return value == pytest.approx(expected, abs=2e-6)


# Rows that a test sees in full, each test's of machines of its own: 1 to 3 are those of the irregular readings.
READINGS = {  # machine -> (hour of the day, value)
    10: [(minute / 60, value) for minute, value in enumerate((10.0, 20.0, 40.0))],
    11: [*((minute / 60, 1000.0 if minute == 0 else 10.0) for minute in range(6)), (2, 7.0)],
    12: [(0.01, 5.0)],
    13: [(23.5, 1.0), (23.9, None), (23.99, 2.0), (24, 9.0)],
    14: [(23.5, None)],
}
HOURS = {  # machine -> (hour of the day, value, another value)
    20: [(22, 10.0, None), (25, 40.0, None)],
    21: [(23, 7.0, None)],
    22: [(0, None, None), (1, 10.0, None), (2, None, None), (6, 50.0, None), (7, None, None)],
    23: [(0, 1.0, 5), (1, None, 6), (3, 4.0, 8)],
    24: [(0, 1.0, None), (1, 2.0, None), (2, 6.0, None), (3, 10.0, None), (9, 5.0, None)],
}
FOR_AVERAGES, FOR_HOURS = irregular(1, count=400), irregular(2)
# One reading of an hour of a machine.
FOR_MOVING_AVERAGES = list(
    {
        (machine, (time - DAY) // timedelta(hours=1)): (
            machine,
            at((time - DAY) // timedelta(hours=1)),
            value,
        )
        for machine, time, value in irregular(5, 90, 2)
    }.values()
)
HOUR_COLUMNS = "machine BIGINT, hour TIMESTAMP, value DOUBLE, other BIGINT"


def of_machine(rows: list, *machines: int) -> list:
    """A test's own rows, in the order of time."""
    return sorted((row for row in rows if row.machine in machines), key=lambda row: (row.machine, row[1]))


def seen_readings() -> list[tuple]:
    return [(machine, at(hour), value) for machine, rows in READINGS.items() for hour, value in rows]


def seen_hours() -> list[tuple]:
    return [(machine, at(hour), *values) for machine, rows in HOURS.items() for hour, *values in rows]


@pytest.fixture(scope="module")
def readings(spark):
    """Rows of (machine, time, value): those in sight, and others beside them."""

    def of(others: list[tuple]):
        return spark.createDataFrame(
            [*seen_readings(), *others], "machine BIGINT, at TIMESTAMP, value DOUBLE"
        )

    return of


@pytest.fixture(scope="module")
def averages(readings):
    return ema(readings(FOR_AVERAGES), "value", series=SERIES, time="at").collect()


@pytest.fixture(scope="module")
def resampled(readings):
    return resample(readings(FOR_HOURS), ["value"], series=SERIES, time="at")


@pytest.fixture(scope="module")
def filled(spark, resampled):
    """The hours in sight, and those of the irregular readings, with their gaps filled."""
    hours = spark.createDataFrame(seen_hours(), HOUR_COLUMNS)
    found = interpolate(
        hours.unionByName(resampled.where("machine < 10"), allowMissingColumns=True), "value", series=SERIES
    )
    assert found.columns == ["machine", "hour", "value", "other", "is_interpolated"]
    return found.collect()


@pytest.fixture(scope="module")
def moving_averages(spark):
    rows = [*seen_hours(), *((*row, None) for row in FOR_MOVING_AVERAGES)]
    return moving_average(spark.createDataFrame(rows, HOUR_COLUMNS), "value", series=SERIES).collect()


def test_an_average_weighs_each_value_by_four_fifths_of_the_next(averages):
    found = [row.value_ema for row in of_machine(averages, 10)]
    assert found == [10.0, 15.555556, round((40 + 0.8 * 20 + 0.64 * 10) / 2.44, 6)]


def test_an_average_is_over_five_rows_of_the_series_and_of_the_hour(averages):
    """The sixth row is an hour and more before the seventh; another machine has a row between them."""
    found = [row.value_ema for row in of_machine(averages, 11, 12)]
    assert found[4:] == [pytest.approx(found[4]), 10.0, 7.0, 5.0]
    assert found[4] > 10


def test_an_average_agrees_with_plain_python(averages):
    found = {(row.machine, row.at): row.value_ema for row in averages}
    filled = 0
    for machine, series in by_machine(FOR_AVERAGES).items():
        for place, (_, time, _) in enumerate(series):
            five = series[max(0, place - 4) : place + 1]
            terms = [
                (0.8**ago, value)
                for ago, (_, then, value) in enumerate(reversed(five))
                if value is not None and (time - then).total_seconds() <= HOUR
            ]
            expected = sum(w * v for w, v in terms) / sum(w for w, _ in terms) if terms else None
            assert same(found[machine, time], expected)
            filled += len(terms) > 1
    assert filled > 100


def test_an_hour_has_the_means_of_its_own_values_also_around_midnight(resampled):
    found = of_machine(resampled.where("machine > 12").collect(), 13, 14)
    assert [(row.machine, row.hour, row.value) for row in found] == [
        (13, at(23), 1.5), (13, at(24), 9.0), (14, at(23), None),
    ]  # fmt: skip


def test_a_gap_is_filled_on_a_straight_line_also_across_midnight(filled):
    found = of_machine(filled, 20, 21)
    assert [(row.machine, row.hour, row.value, row.is_interpolated) for row in found] == [
        (20, at(22), 10.0, False), (20, at(23), 20.0, True), (20, at(24), 30.0, True), (20, at(25), 40.0, False),
        (21, at(23), 7.0, False),
    ]  # fmt: skip


def test_a_gap_that_is_too_long_stays_and_so_do_the_ends_of_a_series(filled):
    found = of_machine(filled, 22)
    assert [(row.hour.hour, row.value) for row in found] == [
        (0, None),
        (1, 10.0),
        (2, None),
        (6, 50.0),
        (7, None),
    ]
    assert not any(row.is_interpolated for row in found)


def test_an_hour_without_a_value_is_filled_like_one_without_a_row_and_keeps_its_other_values(filled):
    found = [(row.value, row.other) for row in of_machine(filled, 23)]
    assert found == [(1.0, 5), (2.0, 6), (3.0, None), (4.0, 8)]


def test_hours_and_filled_gaps_agree_with_pandas(filled):
    rows = of_machine(filled, 1, 2, 3)
    found = {(row.machine, row.hour): row.value for row in rows}
    assert len(found) == len(rows)
    expected = {}
    for machine, series in by_machine(FOR_HOURS).items():
        frame = pd.DataFrame(series, columns=["machine", "at", "value"]).set_index("at")
        means = frame["value"].astype(float).resample("1h").mean()
        line = means.interpolate("linear", limit_area="inside")
        gaps = means.notna().cumsum()
        long = means.isna() & (means.isna().groupby(gaps).transform("sum") > 3)
        expected |= {(machine, hour.to_pydatetime()): value for hour, value in line.mask(long).items()}
    assert all(same(found.get(hour), value) for hour, value in expected.items())
    assert {hour for hour, value in found.items() if value is not None} <= expected.keys()
    assert sum(row.is_interpolated for row in rows) > 15


def test_a_moving_average_is_of_the_three_hours_before_and_not_of_the_own(moving_averages):
    found = [row.value_average for row in of_machine(moving_averages, 24)]
    assert found == [None, 1.0, 1.5, 3.0, None]


def test_a_moving_average_agrees_with_pandas(moving_averages):
    rows = of_machine(moving_averages, 1, 2, 3)
    found = {(row.machine, row.hour): row.value_average for row in rows}
    compared = 0
    for machine, series in by_machine(FOR_MOVING_AVERAGES).items():
        values = {hour: value for _, hour, value in series}
        gapless = pd.Series(values, dtype=float).resample("1h").mean()
        means = gapless.shift(1).rolling(3, min_periods=1).mean()
        for hour in values:
            assert same(found[machine, hour], means[hour])
            compared += not pd.isna(means[hour])
    assert compared > 40 and len(rows) == len(found) == len(FOR_MOVING_AVERAGES)


# Facts (hour at which they were known, what) and the hours at which somebody asks for them, by machine.
SEVERAL = [(1, "b"), (1, "a"), (1, "c")]
KNOWN = {
    1: [(20, "evening"), (23, "night"), (25, "next")],
    2: [(24, "other machine")],
    3: [(0, "old")],
    4: SEVERAL,
    5: SEVERAL[::-1],
}
ASKED = {1: [24.5, 25, 19], 3: [24, 24.1], 4: [2], 5: [2]}


@pytest.fixture(scope="module")
def joined(spark):
    """What is known, by machine and hour at which it is asked for; a day later it is forgotten."""
    asking = [(machine, at(hour)) for machine, hours in ASKED.items() for hour in hours]
    facts = [(machine, at(hour), what) for machine, known in KNOWN.items() for hour, what in known]
    left = spark.createDataFrame(asking, "machine BIGINT, asked TIMESTAMP")
    right = spark.createDataFrame(facts, "machine BIGINT, known TIMESTAMP, what STRING")
    found = as_of_join(left, right, on=SERIES, time="asked", known_at="known", within=24 * HOUR)
    assert found.columns == ["machine", "asked", "known", "what"]
    rows = found.collect()
    assert len(rows) == len(asking)
    answers = {machine: {} for machine in ASKED}
    for row in rows:
        answers[row.machine][(row.asked - DAY).total_seconds() / HOUR] = row.what
    return answers


def test_a_row_gets_the_newest_that_was_known_also_from_before_midnight_and_at_its_very_instant(joined):
    assert joined[1] == {24.5: "night", 25: "next", 19: None}


def test_what_is_known_too_long_is_forgotten(joined):
    assert joined[3] == {24: "old", 24.1: None}


def test_two_facts_of_one_instant_give_the_same_answer_in_any_order(joined):
    assert joined[4] == joined[5] == {2: "c"}


def test_a_join_agrees_with_pandas_and_never_looks_ahead(spark):
    facts = [(machine, time, value) for machine, time, value in irregular(3, 150) if value is not None]
    asking = [(machine, time) for machine, time, _ in irregular(4, 150)]
    left = pd.DataFrame(asking, columns=["machine", "asked"]).sort_values("asked")
    right = pd.DataFrame(facts, columns=["machine", "known", "value"]).sort_values("known")
    expected = pd.merge_asof(
        left, right, left_on="asked", right_on="known", by="machine", tolerance=pd.Timedelta(hours=1)
    )
    found = as_of_join(
        spark.createDataFrame(asking, "machine BIGINT, asked TIMESTAMP"),
        spark.createDataFrame(facts, "machine BIGINT, known TIMESTAMP, value DOUBLE"),
        on=SERIES, time="asked", known_at="known", within=HOUR,
    ).orderBy("asked").collect()  # fmt: skip
    assert [(row.machine, row.asked) for row in found] == [(m, t.to_pydatetime()) for m, t in left.values]
    assert all(same(row.value, value) for row, value in zip(found, expected["value"], strict=True))
    assert all(row.known is None or row.known <= row.asked for row in found)
    assert 20 < sum(row.known is None for row in found) < 130
