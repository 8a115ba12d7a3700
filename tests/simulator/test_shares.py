"""How often each value of the simulated sources comes, and between which bounds, as the documents say.

Bounds are four standard errors or wider; the values are the same every time, so a test that passes stays so.
"""

import json
from collections import Counter
from datetime import date
from math import sqrt

import pytest

from catalog.tables import SOURCES
from jobs.generate import fleet
from jobs.generate.arguments import FIRST_NIGHT
from jobs.generate.feeds.events import EVENT_TYPES
from tests.simulator.nights import DECEMBER, MAY, TUESDAY


def counted(rows, by: str) -> Counter:
    return Counter(dict(rows.aggregate(f"{by}, count(*)", by).fetchall()))


def assert_shares(found: Counter, claimed: dict) -> None:
    """Each value comes as often as claimed, and no other comes at all."""
    assert found.keys() == claimed.keys()
    for value, share in claimed.items():
        error = sqrt(share * (1 - share) / found.total())
        assert found[value] / found.total() == pytest.approx(share, abs=4 * error), value


def evenly(values) -> dict:
    return {value: 1 / len(values) for value in values}


def between(rows, column: str) -> tuple:
    return rows.aggregate(f"min({column}), max({column})").fetchall()[0]


def test_devices_are_of_every_type_and_make_and_most_are_online(simulated):
    devices = simulated("devices", FIRST_NIGHT)
    assert len(devices) == 10_000
    assert_shares(counted(devices, "device_type"), evenly(fleet.DEVICE_TYPES))
    assert_shares(counted(devices, "manufacturer"), evenly(fleet.MANUFACTURERS))
    online = {"Online": 0.85, "Offline": 0.08, "Maintenance": 0.05, "Decommissioned": 0.02}
    assert_shares(counted(devices, "status"), online)
    assert counted(devices, "len(string_split(firmware_version, '.'))").keys() == {3}
    for part in (1, 2, 3):
        assert_shares(counted(devices, f"split_part(firmware_version, '.', {part})"), evenly("0123456789"))
    years = counted(devices, "year(install_date)")
    assert_shares(years, {year: (366 if year % 4 == 0 else 365) / 1827 for year in range(2020, 2025)})


def test_a_changed_device_has_newer_firmware_as_the_year_goes_on_and_is_online_less_often(simulated):
    def changed(night: date, field: str) -> Counter:
        updates = (
            simulated("device_changes", night).filter("operation = 'UPDATE'").project("after").fetchall()
        )
        return Counter(json.loads(after)[field] for (after,) in updates)

    # In January the three oldest are all that is given out, in December the two newest.
    assert changed(date(2024, 1, 20), "firmware_version").keys() == {"1.0.0", "1.0.1", "1.1.0"}
    assert changed(DECEMBER, "firmware_version").keys() == {"2.0.0", "2.0.1"}
    status = sum((changed(night, "status") for night in MAY), Counter())
    assert_shares(status, {"Online": 0.7, "Offline": 0.15, "Maintenance": 0.1, "Decommissioned": 0.05})


def test_a_reading_has_8_fields_one_of_5_metrics_and_a_whole_minute(simulated):
    fields = [
        *("reading_id", "device_id", "timestamp", "metric_name"),
        *("metric_value", "unit", "quality_score", "is_anomaly"),
    ]
    assert list(SOURCES["readings"].fields) == fields
    readings = simulated("readings", TUESDAY, 0.1)
    filled = dict(
        zip(
            fields,
            readings.aggregate(", ".join(f"count({name})" for name in fields)).fetchall()[0],
            strict=True,
        )
    )
    # A drop-out has no value; every other field is always there.
    assert {filled[name] for name in fields if name != "metric_value"} == {len(readings)}
    assert 0.98 * len(readings) < filled["metric_value"] < len(readings)
    assert len(readings.filter("epoch_ms(timestamp) % 60000 <> 0")) == 0
    assert len(counted(readings, "timestamp")) == 24 * 60
    metrics = {"temperature", "humidity", "pressure", "power", "vibration"}
    assert counted(readings, "metric_name").keys() == metrics


def test_a_reading_has_the_unit_of_its_metric_and_a_quality_of_80_to_100(simulated):
    readings = simulated("readings", TUESDAY, 0.1)
    assert set(readings.project("metric_name, unit").fetchall()) == {
        ("temperature", "celsius"),
        ("humidity", "percent"),
        ("pressure", "hPa"),
        ("power", "kWh"),
        ("vibration", "mm/s"),
    }
    assert_shares(counted(readings, "quality_score"), evenly(range(80, 101)))
    # What humidity sensors measure, without age, drift and spikes.
    humidity = readings.filter("metric_name = 'humidity' AND NOT is_anomaly")
    lowest, highest = between(humidity, "metric_value")
    assert 30 <= lowest < 30.5 and 89 < highest < 92


def test_events_are_of_every_type_and_seldom_critical(simulated):
    events = simulated("events", TUESDAY, 10)
    assert_shares(counted(events, "event_type"), evenly(EVENT_TYPES))
    assert_shares(counted(events, "severity"), {"Critical": 0.1, "Warning": 0.3, "Info": 0.6})
    assert_shares(counted(events, "acknowledged"), {True: 0.7, False: 0.3})
    assert_shares(counted(events.filter("acknowledged"), "resolved"), {True: 0.8, False: 0.2})
    assert counted(events.filter("NOT acknowledged"), "resolved").keys() == {False}


def test_vehicles_report_every_five_seconds_from_near_their_base(simulated):
    positions = simulated("telemetry", TUESDAY, 0.1)
    assert len(positions.filter("epoch_ms(timestamp) % 5000 <> 0")) == 0
    assert between(positions, "device_id") == (1000, 1999)
    moved = positions.aggregate(
        "max(latitude) - min(latitude) AS north, max(longitude) - min(longitude) AS east", "device_id"
    )
    assert all(0 < between(moved, way)[1] <= 0.010001 for way in ("north", "east"))
    bounds = {
        "latitude": (36.995, 38.005),
        "longitude": (-122.505, -121.495),
        "altitude": (0, 500),
        "speed": (0, 80),
        "heading": (0, 359),
        "fuel_level": (10, 100),
        "engine_temp": (180, 220),
    }
    for column, (low, high) in bounds.items():
        lowest, highest = between(positions, column)
        assert low <= lowest < highest <= high and highest - lowest > 0.9 * (high - low), column
    # Engines are seldom near either end: the mean of three even draws spreads by a sixth of the range.
    mean, spread = positions.aggregate("avg(engine_temp), stddev(engine_temp)").fetchall()[0]
    assert mean == pytest.approx(200, abs=4 * 6.67 / sqrt(len(positions)))
    assert spread == pytest.approx(40 / 6, rel=0.06)


def test_rooms_are_from_65_to_80_degrees_and_30_to_60_percent_humid(simulated):
    logs = simulated("sensor_logs", TUESDAY, 1)
    assert len(logs) == 17_280
    assert_shares(counted(logs, "location"), evenly([f"Room_{letter}" for letter in "ABCD"]))
    assert (between(logs, "temperature"), between(logs, "humidity")) == ((65, 80), (30, 60))
