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


@pytest.fixture
def readings(spark):
    """Rows of (machine, time, value)."""
    return lambda *rows: spark.createDataFrame(list(rows), "machine BIGINT, at TIMESTAMP, value DOUBLE")


@pytest.fixture
def hours(spark):
    """Rows of (machine, hour of the day, value)."""
    return lambda *rows: spark.createDataFrame(
        [(machine, at(hour), value) for machine, hour, value in rows],
        "machine BIGINT, hour TIMESTAMP, value DOUBLE",
    )


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


def test_an_average_weighs_each_value_by_four_fifths_of_the_next(readings):
    rows = readings(*[(1, at(minute / 60), value) for minute, value in enumerate((10.0, 20.0, 40.0))])
    averages = [row.value_ema for row in ema(rows, "value", series=SERIES, time="at").orderBy("at").collect()]
    assert averages == [10.0, 15.555556, round((40 + 0.8 * 20 + 0.64 * 10) / 2.44, 6)]


def test_an_average_is_over_five_rows_of_the_series_and_of_the_hour(readings):
    six = [(1, at(minute / 60), 1000.0 if minute == 0 else 10.0) for minute in range(6)]
    other = [(2, at(0.01), 5.0), (1, at(2), 7.0)]
    averages = (
        ema(readings(*six, *other), "value", series=SERIES, time="at").orderBy("machine", "at").collect()
    )
    assert [row.value_ema for row in averages][4:] == [pytest.approx(averages[4].value_ema), 10.0, 7.0, 5.0]
    assert averages[4].value_ema > 10


def test_an_average_agrees_with_plain_python(readings):
    rows = irregular(1, count=400)
    found = {(row.machine, row.at): row.value_ema for row in
             ema(readings(*rows), "value", series=SERIES, time="at").collect()}  # fmt: skip
    filled = 0
    for machine, series in by_machine(rows).items():
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


def test_an_hour_has_the_means_of_its_own_values_also_around_midnight(readings):
    rows = [
        (1, at(23.5), 1.0),
        (1, at(23.9), None),
        (1, at(23.99), 2.0),
        (1, at(24), 9.0),
        (2, at(23.5), None),
    ]
    found = (
        resample(readings(*rows), ["value"], series=SERIES, time="at").orderBy("machine", "hour").collect()
    )
    assert [(row.machine, row.hour, row.value) for row in found] == [
        (1, at(23), 1.5), (1, at(24), 9.0), (2, at(23), None),
    ]  # fmt: skip


def test_a_gap_is_filled_on_a_straight_line_also_across_midnight(hours):
    filled = interpolate(hours((1, 22, 10.0), (1, 25, 40.0), (2, 23, 7.0)), "value", series=SERIES)
    assert [tuple(row) for row in filled.orderBy("machine", "hour").collect()] == [
        (1, at(22), 10.0, False), (1, at(23), 20.0, True), (1, at(24), 30.0, True), (1, at(25), 40.0, False),
        (2, at(23), 7.0, False),
    ]  # fmt: skip


def test_a_gap_that_is_too_long_stays_and_so_do_the_ends_of_a_series(hours):
    rows = hours((1, 0, None), (1, 1, 10.0), (1, 2, None), (1, 6, 50.0), (1, 7, None))
    filled = interpolate(rows, "value", series=SERIES, at_most=3).orderBy("hour").collect()
    assert [(row.hour.hour, row.value) for row in filled] == [
        (0, None),
        (1, 10.0),
        (2, None),
        (6, 50.0),
        (7, None),
    ]
    assert not any(row.is_interpolated for row in filled)


def test_an_hour_without_a_value_is_filled_like_one_without_a_row_and_keeps_its_other_values(spark):
    rows = [(1, at(0), 1.0, 5), (1, at(1), None, 6), (1, at(3), 4.0, 8)]
    frame = spark.createDataFrame(rows, "machine BIGINT, hour TIMESTAMP, value DOUBLE, other BIGINT")
    filled = interpolate(frame, "value", series=SERIES).orderBy("hour").collect()
    assert [(row.value, row.other) for row in filled] == [(1.0, 5), (2.0, 6), (3.0, None), (4.0, 8)]


def test_hours_and_filled_gaps_agree_with_pandas(readings):
    rows = irregular(2)
    resampled = resample(readings(*rows), ["value"], series=SERIES, time="at")
    filled = interpolate(resampled, "value", series=SERIES, at_most=3).collect()
    found = {(row.machine, row.hour): row.value for row in filled}
    assert len(found) == len(filled)
    expected = {}
    for machine, series in by_machine(rows).items():
        frame = pd.DataFrame(series, columns=["machine", "at", "value"]).set_index("at")
        means = frame["value"].astype(float).resample("1h").mean()
        line = means.interpolate("linear", limit_area="inside")
        gaps = means.notna().cumsum()
        long = means.isna() & (means.isna().groupby(gaps).transform("sum") > 3)
        expected |= {(machine, hour.to_pydatetime()): value for hour, value in line.mask(long).items()}
    assert all(same(found.get(hour), value) for hour, value in expected.items())
    assert {hour for hour, value in found.items() if value is not None} <= expected.keys()
    assert sum(row.is_interpolated for row in filled) > 15


def test_a_moving_average_is_of_the_three_hours_before_and_not_of_the_own(hours):
    rows = hours(*[(1, hour, value) for hour, value in ((0, 1.0), (1, 2.0), (2, 6.0), (3, 10.0), (9, 5.0))])
    found = moving_average(rows, "value", series=SERIES).orderBy("hour").collect()
    assert [row.value_average for row in found] == [None, 1.0, 1.5, 3.0, None]


def test_a_moving_average_agrees_with_pandas(hours):
    rows = [
        (machine, (time - DAY) // timedelta(hours=1), value) for machine, time, value in irregular(5, 90, 2)
    ]
    rows = list({(machine, hour): (machine, hour, value) for machine, hour, value in rows}.values())
    found = {
        (row.machine, row.hour): row.value_average
        for row in moving_average(hours(*rows), "value", series=SERIES).collect()
    }
    compared = 0
    for series in by_machine(rows).values():
        values = {at(hour): value for _, hour, value in series}
        gapless = pd.Series(values, dtype=float).resample("1h").mean()
        means = gapless.shift(1).rolling(3, min_periods=1).mean()
        for hour in values:
            assert same(found[series[0][0], hour], means[hour])
            compared += not pd.isna(means[hour])
    assert compared > 40 and len(found) == len(rows)


@pytest.fixture
def joined(spark):
    """Inspections (machine, hour) joined to facts (machine, hour at which they were known, what)."""

    def of(asking: list[tuple], facts: list[tuple], within: int = 24 * HOUR) -> dict:
        left = spark.createDataFrame(
            [(machine, at(hour)) for machine, hour in asking], "machine BIGINT, asked TIMESTAMP"
        )
        right = spark.createDataFrame(
            [(machine, at(hour), what) for machine, hour, what in facts],
            "machine BIGINT, known TIMESTAMP, what STRING",
        )
        found = as_of_join(left, right, on=SERIES, time="asked", known_at="known", within=within)
        assert found.columns == ["machine", "asked", "known", "what"]
        rows = found.collect()
        assert len(rows) == len(asking)
        return {(row.machine, (row.asked - DAY).total_seconds() / HOUR): row.what for row in rows}

    return of


def test_a_row_gets_the_newest_that_was_known_also_from_before_midnight_and_at_its_very_instant(joined):
    facts = [(1, 20, "evening"), (1, 23, "night"), (1, 25, "next"), (2, 24, "other machine")]
    assert joined([(1, 24.5), (1, 25), (1, 19)], facts) == {
        (1, 24.5): "night", (1, 25): "next", (1, 19): None,
    }  # fmt: skip


def test_what_is_known_too_long_is_forgotten(joined):
    assert joined([(1, 24), (1, 24.1)], [(1, 0, "old")]) == {(1, 24): "old", (1, 24.1): None}


def test_two_facts_of_one_instant_give_the_same_answer_in_any_order(joined):
    facts = [(1, 1, "b"), (1, 1, "a"), (1, 1, "c")]
    assert joined([(1, 2)], facts) == joined([(1, 2)], facts[::-1]) == {(1, 2): "c"}


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
