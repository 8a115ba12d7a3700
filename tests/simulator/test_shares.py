"""How often each value of the simulated sources comes, and between which bounds, as the documents say.

Bounds are four standard errors or wider; the values are the same every time, so a test that passes stays so.
"""

from collections import Counter
from datetime import date
from math import sqrt

import pytest
from pyspark.sql import functions as F

from jobs.generate import fleet
from jobs.generate.events import EVENT_TYPES
from jobs.settings import FIRST_NIGHT

TUESDAY = date(2024, 3, 5)

pytestmark = pytest.mark.usefixtures("compiled")


def counted(frame, column: str) -> Counter:
    return Counter({row[column]: row["count"] for row in frame.groupBy(column).count().collect()})


def assert_shares(found: Counter, claimed: dict) -> None:
    """Each value comes as often as claimed, and no other comes at all."""
    assert found.keys() == claimed.keys()
    for value, share in claimed.items():
        error = sqrt(share * (1 - share) / found.total())
        assert found[value] / found.total() == pytest.approx(share, abs=4 * error), value


def evenly(values) -> dict:
    return {value: 1 / len(values) for value in values}


def between(frame, column: str) -> tuple:
    return tuple(frame.select(F.min(column), F.max(column)).first())


def test_devices_are_of_every_type_and_make_and_most_are_online(clean):
    devices = clean("devices", FIRST_NIGHT).cache()
    assert devices.count() == 10_000
    assert_shares(counted(devices, "device_type"), evenly(fleet.DEVICE_TYPES))
    assert_shares(counted(devices, "manufacturer"), evenly(fleet.MANUFACTURERS))
    online = {"Online": 0.85, "Offline": 0.08, "Maintenance": 0.05, "Decommissioned": 0.02}
    assert_shares(counted(devices, "status"), online)
    for part in range(3):
        digit = devices.select(F.split("firmware_version", r"\.")[part].alias("digit"))
        assert_shares(counted(digit, "digit"), evenly("0123456789"))
    years = counted(devices.select(F.year("install_date").alias("year")), "year")
    assert_shares(years, {year: (366 if year % 4 == 0 else 365) / 1827 for year in range(2020, 2025)})


def test_a_changed_device_has_newer_firmware_as_the_year_goes_on_and_is_online_less_often(clean):
    def versions(night: date) -> Counter:
        return counted(changed(night), "firmware")

    def changed(night: date):
        changes = clean("device_changes", night).where("operation = 'UPDATE'")
        firmware, status = (
            F.get_json_object("after", f"$.{name}") for name in ("firmware_version", "status")
        )
        return changes.select(firmware.alias("firmware"), status.alias("status"))

    # In January the three oldest are all that is given out, in December the two newest.
    assert versions(date(2024, 1, 20)).keys() == {"1.0.0", "1.0.1", "1.1.0"}
    assert versions(date(2024, 12, 20)).keys() == {"2.0.0", "2.0.1"}
    nights = [changed(date(2024, 5, day)) for day in range(1, 5)]
    status = sum((counted(night, "status") for night in nights), Counter())
    assert_shares(status, {"Online": 0.7, "Offline": 0.15, "Maintenance": 0.1, "Decommissioned": 0.05})


def test_a_reading_has_8_fields_one_of_5_metrics_and_a_whole_minute(clean):
    readings = clean("readings", TUESDAY)
    fields = [
        *("reading_id", "device_id", "timestamp", "metric_name"),
        *("metric_value", "unit", "quality_score", "is_anomaly"),
    ]
    assert readings.columns == fields
    found = readings.agg(
        F.count("*").alias("rows"),
        *[F.count(name).alias(name) for name in fields],
        F.count_if(F.expr("unix_millis(timestamp) % 60000 <> 0")).alias("between_minutes"),
        F.count_distinct("timestamp").alias("minutes"),
        F.collect_set("metric_name").alias("metrics"),
    ).first()
    # A drop-out has no value; every other field is always there.
    assert {found[name] for name in fields if name != "metric_value"} == {found.rows}
    assert 0.98 * found.rows < found.metric_value < found.rows
    assert (found.between_minutes, found.minutes) == (0, 24 * 60)
    assert set(found.metrics) == {"temperature", "humidity", "pressure", "power", "vibration"}


def test_a_reading_has_the_unit_of_its_metric_and_a_quality_of_80_to_100(clean):
    readings = clean("readings", TUESDAY).cache()
    pairs = readings.select("metric_name", "unit").distinct().collect()
    assert {(row.metric_name, row.unit) for row in pairs} == {
        ("temperature", "celsius"),
        ("humidity", "percent"),
        ("pressure", "hPa"),
        ("power", "kWh"),
        ("vibration", "mm/s"),
    }
    assert_shares(counted(readings, "quality_score"), evenly(range(80, 101)))
    # What humidity sensors measure, without age, drift and spikes.
    humidity = readings.where("metric_name = 'humidity' AND NOT is_anomaly")
    lowest, highest = between(humidity, "metric_value")
    assert 30 <= lowest < 30.5 and 89 < highest < 92


def test_events_are_of_every_type_and_seldom_critical(clean):
    events = clean("events", TUESDAY, 10).cache()
    assert_shares(counted(events, "event_type"), evenly(EVENT_TYPES))
    assert_shares(counted(events, "severity"), {"Critical": 0.1, "Warning": 0.3, "Info": 0.6})
    assert_shares(counted(events, "acknowledged"), {True: 0.7, False: 0.3})
    assert_shares(counted(events.where("acknowledged"), "resolved"), {True: 0.8, False: 0.2})
    assert counted(events.where("NOT acknowledged"), "resolved").keys() == {False}


def test_vehicles_report_every_five_seconds_from_near_their_base(clean):
    positions = clean("telemetry", TUESDAY).cache()
    assert positions.where("unix_seconds(timestamp) % 5 <> 0").count() == 0
    assert between(positions, "device_id") == (1000, 1999)
    moved = positions.groupBy("device_id").agg(
        (F.max("latitude") - F.min("latitude")).alias("north"),
        (F.max("longitude") - F.min("longitude")).alias("east"),
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
    mean, spread = positions.select(F.avg("engine_temp"), F.stddev("engine_temp")).first()
    assert mean == pytest.approx(200, abs=4 * 6.67 / sqrt(positions.count()))
    assert spread == pytest.approx(40 / 6, rel=0.06)


def test_rooms_are_from_65_to_80_degrees_and_30_to_60_percent_humid(clean):
    logs = clean("sensor_logs", TUESDAY, 1).cache()
    assert logs.count() == 17_280
    assert_shares(counted(logs, "location"), evenly([f"Room_{letter}" for letter in "ABCD"]))
    assert (between(logs, "temperature"), between(logs, "humidity")) == ((65, 80), (30, 60))
