"""Patterns in the simulated values, each with a statistical bound that a generator without it does not meet.

Bounds are five standard errors or wider; the values are the same every time, so a test that passes stays so.
"""

import json
from collections import Counter
from datetime import date
from math import pi, sin, sqrt

import pytest

from catalog.tables import SOURCES
from jobs.generate import fleet
from jobs.generate.arguments import FIRST_NIGHT
from tests.simulator.nights import SATURDAY, SEASONS, SUNDAY, TUESDAY


def one(frame, /, **columns: str) -> dict:
    """Aggregates of rows, by name."""
    found = frame.aggregate(", ".join(f"{expression} AS {name}" for name, expression in columns.items()))
    return dict(zip(columns, found.fetchall()[0], strict=True))


def means(rows, by: str) -> dict:
    """Means of `value` by an expression."""
    return dict(rows.aggregate(f"{by}, avg(value)", by).fetchall())


def normal(rows, metric: str):
    """Readings of a metric by healthy sensors, without what age adds; outside the maintenance window."""
    kept = rows.filter(f"metric_name = '{metric}' AND NOT is_anomaly AND metric_value IS NOT NULL")
    return kept.project("*, metric_value - 0.001 * age AS value")


HOURLY = "5 * sin(2 * pi() * (hour(timestamp) - 6) / 24)"


@pytest.mark.parametrize("night", SEASONS)
def test_temperature_follows_the_seasons(readings, night):
    season = 20 + 15 * sin(2 * pi * (night.timetuple().tm_yday - 80) / 365)
    found = one(
        normal(readings(night, 0.1), "temperature").project(f"value - {HOURLY} - {season} AS noise"),
        rows="count(*)", mean="avg(noise)", spread="stddev(noise)", lowest="min(noise)", highest="max(noise)",
    )  # fmt: skip
    assert found["rows"] > 2000
    assert found["mean"] == pytest.approx(0, abs=5 * 0.87 / sqrt(found["rows"]))
    # Nothing is left but even noise of 1.5 degrees on both sides.
    assert found["spread"] == pytest.approx(3 / sqrt(12), rel=0.1)
    assert -1.501 < found["lowest"] < -1.4 and 1.4 < found["highest"] < 1.501


def test_temperature_follows_the_hours_of_the_day(readings):
    mean = means(normal(readings(TUESDAY, 0.3), "temperature"), "hour(timestamp)")
    assert len(mean) == 24
    assert max(mean, key=mean.get) in (11, 12, 13) and min(mean, key=mean.get) in (23, 0, 1)
    assert mean[12] - mean[0] == pytest.approx(10, abs=0.7)


def test_vibration_has_the_daily_factors(readings):
    band = (
        "CASE WHEN hour(timestamp) BETWEEN 6 AND 9 THEN 'morning' WHEN hour(timestamp) BETWEEN 10 AND 17 "
        "THEN 'day' WHEN hour(timestamp) BETWEEN 18 AND 22 THEN 'evening' ELSE 'night' END"
    )
    mean = means(normal(readings(TUESDAY, 0.5), "vibration"), band)
    factors = {"morning": 1.5, "day": 1.2, "evening": 1.3, "night": 0.8}
    for name, factor in factors.items():
        # Even from 0 to 3 at factor 1: five standard errors of the smallest band's mean are below 4 %.
        assert mean[name] == pytest.approx(1.5 * factor, rel=0.04), name


@pytest.mark.parametrize(
    ("night", "working", "resting"), [(TUESDAY, 80, 30), (SATURDAY, 35, 35), (SUNDAY, 35, 35)]
)
def test_power_follows_working_hours_and_weekends(readings, night, working, resting):
    mean = means(normal(readings(night, 0.2), "power"), "hour(timestamp) BETWEEN 8 AND 18")
    assert mean[True] == pytest.approx(working, abs=0.7)
    assert mean[False] == pytest.approx(resting, abs=0.7)


def test_a_sensor_measures_a_thousandth_more_for_each_day_of_its_age(readings):
    temperature = readings(TUESDAY, 0.5).filter(
        "metric_name = 'temperature' AND NOT is_anomaly AND metric_value IS NOT NULL"
    )
    found = one(
        temperature.project(f"age, metric_value - {HOURLY} AS rest"),
        slope="regr_slope(rest, age)", oldest="max(age)", new="count_if(age = 0)",
    )  # fmt: skip
    # The standard error is 1.6e-5: noise of 0.87 over ages that spread by 500 days, 12,000 times.
    assert found["slope"] == pytest.approx(0.001, abs=0.0001)
    assert found["oldest"] > 1500 and found["new"] > 100, (
        "some devices are four years old, some not yet installed"
    )


def test_in_the_maintenance_window_nothing_is_measured(simulated):
    window = "hour(timestamp) BETWEEN 2 AND 5"
    sunday = simulated("readings", SUNDAY, 0.1).filter("NOT is_anomaly")
    inside = one(sunday.filter(window), rows="count(*)", values="count(metric_value)")
    assert inside["rows"] > 1000 and inside["values"] == 0
    assert one(sunday.filter(f"NOT ({window})"), silent="count_if(metric_value IS NULL)") == {"silent": 0}
    tuesday = simulated("readings", TUESDAY, 0.1).filter(f"NOT is_anomaly AND {window}")
    assert one(tuesday, silent="count_if(metric_value IS NULL)") == {"silent": 0}


def test_anomalies_come_by_kind_as_often_as_claimed(readings):
    healthy = readings(TUESDAY, 0.5).filter("NOT _is_faulty")
    found = one(
        healthy,
        rows="count(*)",
        anomalies="count_if(is_anomaly)",
        dropouts="count_if(metric_value IS NULL)",
        silent="count_if(metric_value IS NULL AND NOT is_anomaly)",
    )
    rows = found["rows"]
    assert found["dropouts"] / rows == pytest.approx(0.003, abs=5 * sqrt(0.003 / rows))
    assert found["anomalies"] / rows == pytest.approx(0.012, abs=5 * sqrt(0.012 / rows))
    assert found["silent"] == 0
    # Pressure lies between 980 and 1040 hPa, so a tripled one stands out.
    pressure = one(
        healthy.filter("metric_name = 'pressure'"),
        rows="count(*)", spikes="count_if(metric_value > 2900)", odd="count_if(metric_value > 1100)",
        claimed="count_if(metric_value > 2900 AND is_anomaly)",
    )  # fmt: skip
    spikes, rows = pressure["spikes"], pressure["rows"]
    assert spikes / rows == pytest.approx(0.005, abs=5 * sqrt(0.005 / rows))
    assert spikes == pressure["odd"] == pressure["claimed"]


def test_anomalies_of_the_whole_fleet_come_by_kind_as_often_as_claimed(readings):
    groups = "_anomaly, _is_faulty, is_anomaly"
    found = readings(TUESDAY, 1.0).aggregate(f"{groups}, count(*)", groups).fetchall()
    total = sum(count for *_, count in found)
    share = sum(count for _, is_faulty, _, count in found if is_faulty) / total
    assert share == pytest.approx(0.01, abs=5 * 0.0011), "of devices, of which there are 10,000"
    # Of readings of faulty devices 85 % drift; the rest, and those of others, as the document has it, but for `odd`.
    drifting = 0.85 * share
    claimed = {
        kind: rate * (1 - drifting)
        for kind, rate in {"spike": 0.005, "dropout": 0.003, "drift": 0.002, "odd": 0.002}.items()
    }
    claimed["drift"] += drifting
    claimed["none"] = 1 - sum(claimed.values())
    kinds = Counter()
    for kind, _, is_anomaly, count in found:
        kinds[kind] += count
        assert is_anomaly == (kind != "none")
    assert kinds.keys() == claimed.keys()
    for kind, rate in claimed.items():
        assert kinds[kind] / total == pytest.approx(rate, abs=5 * sqrt(rate * (1 - rate) / total)), kind
    assert kinds["drift"] / total == pytest.approx(0.0104, abs=0.002)


def test_drifting_sensors_are_off_by_up_to_three(readings):
    power = readings(SATURDAY, 0.5).filter("metric_name = 'power' AND is_anomaly AND metric_value < 90")
    found = one(
        power.project("metric_value - 0.001 * age AS value"),
        rows="count(*)", mean="avg(value)", highest="max(value)",
    )  # fmt: skip
    # 30 to 40 kWh at weekends; faulty devices drift in 85 of 100 readings and by 1.55 on average.
    assert found["rows"] > 80 and found["mean"] == pytest.approx(36.3, abs=5 * 3 / sqrt(found["rows"]))
    assert 40 < found["highest"] <= 43


def test_few_devices_make_most_anomalies(readings):
    faulty = one(
        readings(TUESDAY, 0.5).filter("_is_faulty"),
        rows="count(*)", anomalies="count_if(is_anomaly)", devices="count(DISTINCT device_id)",
    )  # fmt: skip
    assert faulty["anomalies"] / faulty["rows"] == pytest.approx(0.85, abs=0.06)
    assert faulty["devices"] == pytest.approx(100, abs=50)


def test_devices_stand_around_three_facilities(simulated):
    places = "location_id, latitude, longitude"
    devices = simulated("devices", FIRST_NIGHT).project(places).fetchall()
    near = Counter()
    for _, latitude, longitude in devices:
        (place,) = [
            name
            for name, north, east in fleet.FACILITIES
            if abs(latitude - north) <= 0.05 and abs(longitude - east) <= 0.05
        ]
        near[place] += 1
    assert near.total() == 10_000
    # By site, of which there are 500: five standard errors of a third of them.
    assert all(count / 10_000 == pytest.approx(1 / 3, abs=5 * sqrt(2 / 9 / 500)) for count in near.values())
    sites = simulated("locations", FIRST_NIGHT).project(f"{places}, region").fetchall()
    site_of = {location_id: place for location_id, *place, _ in sites}
    for location_id, *place in devices:
        assert place == site_of[location_id]
    spread = sorted(latitude - 37.7749 for _, latitude, _, region in sites if region == "San Francisco")
    assert spread[0] < -0.045 and spread[-1] > 0.045, "all over the facility, not in one spot"


def chi_square(counts: Counter, values: range) -> float:
    """How far counts are from even."""
    expected = counts.total() / len(values)
    return sum((counts[value] - expected) ** 2 / expected for value in values)


def test_late_rows_come_one_to_seven_days_late_and_second_copies_that_night_or_the_next(delivered):
    rows = delivered("readings", SUNDAY, 0.2)
    whole = [row for row in rows if "malformed" not in row.kinds and "future" not in row.kinds]
    days_late, again_after = Counter(), Counter()
    lines = Counter(row.line for row in rows)
    for row in whole:
        ago = (SUNDAY - date.fromisoformat(json.loads(row.line)["timestamp"][:10])).days
        if "duplicate" not in row.kinds:
            assert (ago > 0) == ("late" in row.kinds)
            days_late[ago] += 1
        elif "late" not in row.kinds:
            again_after[ago] += 1
            assert ago == 1 or lines[row.line] == 2, "a second copy is the first one, letter for letter"
    on_time = days_late.pop(0)
    assert days_late.total() / (on_time + days_late.total()) == pytest.approx(0.01, abs=0.003)
    assert days_late.keys() == set(range(1, 8))
    # Six degrees of freedom: beyond 30 once in 25,000 times, while one missing day gives 40.
    assert chi_square(days_late, range(1, 8)) < 30
    assert again_after.keys() == {0, 1} and again_after.total() / len(rows) == pytest.approx(0.01, abs=0.003)
    assert again_after[0] == pytest.approx(again_after.total() / 2, abs=2.5 * sqrt(again_after.total()))


def test_from_the_first_of_july_on_telemetry_has_the_odometer(delivered):
    def landed(night: date) -> list[dict]:
        rows = delivered("telemetry", night, 0.2)
        return [json.loads(row.line) for row in rows if not {"malformed", "future"} & set(row.kinds)]

    before, after = landed(date(2024, 6, 30)), landed(date(2024, 7, 1))
    assert not [row for row in before if "odometer_km" in row]
    is_new = {row["timestamp"] >= "2024-07-01" for row in after if "odometer_km" in row}
    is_old = {row["timestamp"] >= "2024-07-01" for row in after if "odometer_km" not in row}
    assert (is_new, is_old) == ({True}, {False}), "late rows are of the version of their own night"
    assert "odometer_km" not in SOURCES["telemetry"].fields

    # A vehicle's odometer never runs backwards, and vehicles are of all ages.
    driven: dict[int, list] = {}
    for row in [*after, *landed(date(2024, 7, 8))]:
        if "odometer_km" in row:
            driven.setdefault(row["device_id"], []).append((row["timestamp"], row["odometer_km"]))
    for points in driven.values():
        in_time = [km for _, km in sorted(points)]
        assert in_time == sorted(in_time)
    first = [min(points)[1] for points in driven.values()]
    assert min(first) < 20_000 and max(first) > 140_000
    assert sum(first) / len(first) == pytest.approx(85_000, abs=5 * 42_000 / sqrt(len(first)))
