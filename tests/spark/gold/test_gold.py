"""Gold tables, from frames in sight."""

import statistics
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import functions as F

from catalog.tables import SILVER
from jobs.generate.feeds.readings import AGEING, UNITS, normal_value
from jobs.generate.values import Values
from jobs.gold.tables.alerts import THRESHOLDS, build_alerts
from jobs.gold.tables.climate_hourly import build_climate_hourly
from jobs.gold.tables.device_anomalies import build_device_anomalies
from jobs.gold.tables.device_health import build_device_health
from jobs.gold.tables.fleet_last_seen import build_fleet_last_seen
from jobs.gold.tables.readings_5min import build_readings_5min
from jobs.gold.tables.sensor_hourly import build_sensor_hourly
from jobs.gold.tables.site_events import build_site_events
from jobs.gold.tables.transactions_daily import build_transactions_daily

NIGHT = date(2024, 3, 5)


@pytest.fixture(scope="module")
def frame(spark):
    def of(table: str, *rows: dict):
        names = SILVER[table].column_names
        defaults = {"_flags": [], "_night": NIGHT, "event_date": NIGHT}
        values = [tuple({**defaults, **row}.get(name) for name in names) for row in rows]
        return spark.createDataFrame(values, SILVER[table].columns)

    return of


@pytest.fixture(scope="module")
def nights(spark):
    return lambda *days: spark.createDataFrame([(day,) for day in days], "night DATE")


def reading(value, minute=0, device=1, anomaly=False, **more) -> dict:
    at = datetime(2024, 3, 5, 10, minute)
    return {
        "device_id": device, "device_type": "Camera", "timestamp": at, "metric_name": "power",
        "metric_value": value, "is_anomaly": anomaly, **more,
    }  # fmt: skip


THREE = [70.1, 70.2, 80.7]
# Of which doubles lose more than a mean is rounded to.
FAR_APART = [0.1, 1e11, -1e11, 0.2]
# More than sums hold exactly, and what they hold but the sum of its squares does not.
TOO_LARGE, LARGE = [5e12, 4.0], [9e11, 8e11] * 200
# What the device of each test measured; one query makes the hours of all of them.
MEASURED = {
    "three values": [reading(v, i) for i, v in enumerate(THREE)],
    "two days": [
        reading(1.0),
        reading(1.0, timestamp=datetime(2024, 3, 6, 10), event_date=date(2024, 3, 6)),
    ],
    "one silent": [reading(4.0), reading(6.0), reading(None, minute=59, anomaly=True)],
    "all silent": [reading(None), reading(None, minute=5)],
    "a single one": [reading(5.0, anomaly=True)],
    "far apart": [reading(v) for v in FAR_APART],
    "far apart, backwards": [reading(v) for v in FAR_APART[::-1]],
    "too large": [reading(v) for v in TOO_LARGE],
    "large": [reading(v) for v in LARGE],
}


@pytest.fixture(scope="module")
def hours(frame):
    """The hours of what was measured, by its name."""
    devices = dict(enumerate(MEASURED))
    rows = [{**row, "device_id": device} for device, name in devices.items() for row in MEASURED[name]]
    found = {name: [] for name in MEASURED}
    for row in build_sensor_hourly(frame("readings", *rows)).collect():
        found[devices[row.device_id]].append(row)
    return found


def test_an_hour_has_the_statistics_of_its_readings(hours):
    (row,) = hours["three values"]
    assert row.hour == datetime(2024, 3, 5, 10) and row.reading_count == 3
    assert (row.min_value, row.max_value) == (70.1, 80.7)
    assert row.avg_value == pytest.approx(statistics.mean(THREE), abs=1e-6)
    assert row.stddev_value == pytest.approx(statistics.stdev(THREE), abs=1e-6)


def test_hours_of_different_days_are_different_hours(hours):
    assert len(hours["two days"]) == 2


def test_a_reading_without_a_value_counts_and_changes_no_statistics(hours):
    (row,) = hours["one silent"]
    assert (row.reading_count, row.anomaly_count) == (3, 1)
    assert (row.avg_value, row.min_value, row.max_value) == (5.0, 4.0, 6.0)
    assert row.stddev_value == pytest.approx(statistics.stdev([4, 6]), abs=1e-6)


def test_an_hour_in_which_no_reading_has_a_value_has_a_count_and_no_statistics(hours):
    (row,) = hours["all silent"]
    assert (row.reading_count, row.anomaly_count) == (2, 0)
    assert [row.avg_value, row.min_value, row.max_value, row.stddev_value] == [None] * 4


def test_a_single_reading_has_no_standard_deviation(hours):
    (row,) = hours["a single one"]
    assert row.stddev_value is None and row.anomaly_count == 1


def test_a_mean_is_exact_whatever_the_order_of_rows(hours):
    (one,), (other,) = hours["far apart"], hours["far apart, backwards"]
    assert one.avg_value == other.avg_value == 0.075


def test_a_value_that_cannot_be_summed_makes_its_mean_null_and_stops_nothing(hours):
    (row,), (large,) = hours["too large"], hours["large"]
    assert (row.avg_value, row.stddev_value) == (None, None)
    assert (row.reading_count, row.min_value, row.max_value) == (2, 4.0, 5e12)
    assert (large.avg_value, large.stddev_value) == (8.5e11, None)


def test_a_room_has_mean_temperature_and_humidity_per_hour(frame):
    logs = [
        {
            "sensor_id": 1,
            "timestamp": datetime(2024, 3, 5, 10, m),
            "temperature": t,
            "humidity": 40.0,
            "location": "Room_A",
        }
        for m, t in ((0, 70.0), (5, None), (10, 71.0))
    ]
    (row,) = build_climate_hourly(frame("sensor_logs", *logs)).collect()
    assert (row.log_count, row.avg_temperature_f, row.avg_humidity_percent) == (3, 70.5, 40.0)


@pytest.fixture(scope="module")
def reported(frame, nights):
    """The nights on which each device is reported, and with how many anomalies."""
    eleven = [reading(1.0, minute, device=1, anomaly=True) for minute in range(11)]
    ten = [reading(1.0, minute, device=2, anomaly=True) for minute in range(10)]
    late = [{**row, "device_id": 3, "_night": date(2024, 3, 6)} for row in eleven]
    asked = nights(*(date(2024, 3, day) for day in (5, 6, 11, 12)))
    found = {1: {}, 2: {}, 3: {}}
    for row in build_device_anomalies(frame("readings", *eleven, *ten, *late), asked).collect():
        found[row.device_id][row.night.day] = row.anomaly_count
    return found


def test_more_than_ten_anomalies_in_seven_days_are_reported(reported):
    assert reported[1][5] == 11 and reported[2] == {}


def test_a_window_looks_back_seven_days_and_not_eight(reported):
    assert reported[1] == {5: 11, 6: 11, 11: 11}


def test_what_arrived_after_a_night_does_not_change_its_picture(reported):
    assert reported[3] == {6: 11, 11: 11}


def test_the_last_position_is_the_last_in_time_not_in_order(frame, nights):
    def position(telemetry_id, hour, latitude, fuel):
        return {
            "telemetry_id": telemetry_id, "device_id": 1, "timestamp": datetime(2024, 3, 5, hour),
            "latitude": latitude, "longitude": -122.0, "speed": 10.0 * hour, "fuel_level": fuel,
        }  # fmt: skip

    rows = [position(2, 4, 37.4, 50.0), position(1, 2, 37.2, 90.0), position(3, 3, 37.3, None)]
    (row,) = build_fleet_last_seen(frame("telemetry", *rows), nights(NIGHT)).collect()
    assert (row.last_seen, row.last_latitude) == (datetime(2024, 3, 5, 4), 37.4)
    assert (row.avg_speed_mph, row.min_fuel_percent, row.position_count) == (30.0, 50.0, 3)


def device(device_id: int, status="Online", **more) -> dict:
    return {
        "device_id": device_id, "device_type": "Camera", "status": status, "install_date": date(2024, 3, 1),
        "location_id": 5, "latitude": 1.0, "longitude": 2.0, "_night": date(2024, 1, 1), **more,
    }  # fmt: skip


def change(device_id: int, operation: str, day: int, sequence: int, arrived=None, **more) -> dict:
    at = datetime(2024, 3, day, 12)
    return {
        **device(device_id, "Offline"), "operation": operation, "changed_at": at, "sequence": sequence,
        "_night": arrived or at.date(), **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def health(frame, nights):
    """Night and type of device -> rows; the cameras change in time, the lock is heard of late."""
    registry = frame("device_registry", *map(device, (1, 2, 3)), device(4, device_type="Lock"))
    changes = frame(
        "device_changes",
        change(1, "UPDATE", 5, 1), change(2, "DELETE", 5, 2), change(3, "UPDATE", 6, 3),
        change(4, "UPDATE", 5, 4, arrived=date(2024, 3, 7), device_type="Lock"),
    )  # fmt: skip
    found = defaultdict(list)
    for row in build_device_health(registry, changes, nights(NIGHT, date(2024, 3, 7))).collect():
        found[row.night.day, row.device_type].append(row)
    return found


def test_the_fleet_is_counted_as_it_stood_when_the_night_ended(health):
    rows = health[5, "Camera"]
    assert {(row.status, row.device_count, row.avg_age_days) for row in rows} == {
        ("Offline", 1, 4.0),
        ("Online", 1, 4.0),
    }


def test_a_change_that_arrives_late_does_not_rewrite_the_night(health):
    assert [row.status for row in health[5, "Lock"]] == ["Online"]
    assert [row.status for row in health[7, "Lock"]] == ["Offline"]


def test_every_registered_device_is_listed_with_its_events(frame, nights):
    events = [
        {"event_id": n, "device_id": 1, "timestamp": datetime(2024, 3, 5), "severity": s}
        for n, s in enumerate(("Critical", "Info"))
    ]
    built = build_site_events(
        frame("device_registry", device(1), device(2)),
        frame("device_changes"),
        frame("events", *events),
        nights(NIGHT),
    )
    assert {(row.device_id, row.event_count, row.critical_count) for row in built.collect()} == {
        (1, 2, 1),
        (2, 0, 0),
    }


def event(number, severity="Critical", resolved=False, **more) -> dict:
    at = datetime(2024, 3, 5, 9, 30)
    return {
        "event_id": number, "device_id": 7, "device_type": "Camera", "timestamp": at,
        "event_type": "Device Offline", "severity": severity, "resolved": resolved, **more,
    }  # fmt: skip


LOW, HIGH = THRESHOLDS["temperature"]["low"], THRESHOLDS["temperature"]["high"]


@pytest.fixture(scope="module")
def alerts(frame):
    """Alerts of events and of readings, in the order of their ids."""
    events = [event(1), event(2, resolved=True), event(3, severity="Warning"), event(4, resolved=None)]
    temperatures = [
        reading(value, reading_id=number, metric_name="temperature")
        for number, value in enumerate((LOW - 0.5, LOW, None, HIGH, HIGH + 0.5))
    ]
    powers = [reading(0.0, reading_id=5), reading(121.0, reading_id=6)]
    raised = build_alerts(frame("events", *events), frame("readings", *temperatures, *powers))
    found = {"event": [], "temperature": [], "power": []}
    for row in raised.orderBy("alert_id").collect():
        found["event" if row.alert_id.startswith("event") else row.kind.split()[-1]].append(row)
    return found


def test_an_alert_is_raised_by_a_critical_event_that_nobody_resolved(alerts):
    first, last = alerts["event"]
    assert (first.alert_id, last.alert_id) == ("event-1", "event-4")
    assert (first.kind, first.severity, first.value) == ("Device Offline", "Critical", None)
    assert (first.event_date, first.raised_at) == (NIGHT, datetime(2024, 3, 5, 9, 30))


def test_an_alert_is_raised_by_a_reading_beyond_a_warning_threshold_but_not_by_one_on_it(alerts):
    raised = alerts["temperature"]
    assert [(row.alert_id, row.kind, row.value, row.threshold) for row in raised] == [
        ("reading-0", "Low temperature", LOW - 0.5, LOW),
        ("reading-4", "High temperature", HIGH + 0.5, HIGH),
    ]
    assert {row.severity for row in raised} == {"Warning"}


def test_a_metric_without_a_lower_threshold_raises_no_alert_for_low_values(alerts):
    assert [row.alert_id for row in alerts["power"]] == ["reading-6"]


class AtItsEnd(Values):
    """Values that are drawn evenly from a range, all at one end of it."""

    def between(self, name: str, low: float, high: float, *of: str) -> str:
        return f"{low if self.source == 'lowest' else high}D"


def test_no_healthy_sensor_passes_a_warning_threshold_all_year(spark):
    """The extremes of what the generator makes, in every hour of 2024; the oldest sensor is of 2020-01-01."""
    hours = spark.range(366 * 24).selectExpr("timestamp_seconds(1704067200 + 3600 * id) AS timestamp")
    metrics = spark.createDataFrame([(metric,) for metric in UNITS], "metric_name STRING")
    age = f"{AGEING} * datediff(timestamp, DATE'2020-01-01')"
    extremes = (
        hours.crossJoin(metrics)
        .withColumn("lowest", F.expr(normal_value(AtItsEnd(0, "lowest"))))
        .withColumn("highest", F.expr(f"{normal_value(AtItsEnd(0, 'highest'))} + {age}"))
        .groupBy("metric_name")
        .agg(F.min("lowest").alias("lowest"), F.max("highest").alias("highest"))
        .collect()
    )
    assert {row.metric_name for row in extremes} == set(THRESHOLDS)
    for row in extremes:
        bounds = THRESHOLDS[row.metric_name]
        assert bounds.get("low", row.lowest) <= row.lowest < row.highest <= bounds["high"], row
    (vibration,) = [row for row in extremes if row.metric_name == "vibration"]
    assert vibration.highest == pytest.approx(3 * 1.5 + 1.826), "of a morning in December"


def transaction(amount: str, risk: float, **more) -> dict:
    return {"amount": Decimal(amount), "risk_score": risk, "currency": "USD", "channel": "atm", **more}


def test_a_day_of_a_channel_has_its_volume_fraud_and_risk(frame):
    rows = [
        transaction("10.10", 0.2, is_fraud=False),
        transaction("20.20", 0.9, is_fraud=True),
        transaction("0.03", 0.1),
        transaction("5.00", 0.3, is_fraud=False, currency="EUR"),
    ]
    days = build_transactions_daily(frame("transactions", *rows)).collect()
    euro, dollar = sorted(days, key=lambda row: row.currency)
    assert (euro.txn_count, euro.total_amount, euro.fraud_count, euro.fraud_amount) == (1, 5, 0, 0)
    assert (dollar.txn_count, dollar.total_amount) == (3, Decimal("30.33"))
    assert (dollar.fraud_count, dollar.fraud_amount, dollar.fraud_rate) == (1, Decimal("20.20"), 0.333333)
    assert (dollar.avg_amount, dollar.avg_risk_score, dollar.max_risk_score) == (10.11, 0.4, 0.9)


def test_five_minutes_of_a_device_begin_on_the_five_and_end_before_the_next(frame):
    def at(minute: int, second: int, value: float, **more) -> dict:
        time = datetime(2024, 3, 5, 23, minute, second)
        return {"device_id": 1, "device_type": "humidity", "timestamp": time, "reading": value, **more}

    rows = [
        at(50, 0, 20.5),
        at(54, 59, 30.0, is_anomaly=True),
        at(55, 0, 40.0),
        at(59, 59, 60.0),
        at(59, 59, 7.0, device_id=2),
    ]
    windows = build_readings_5min(frame("live_sensors", *rows)).orderBy("device_id", "window_start").collect()
    assert [(row.device_id, str(row.window_start)[11:], str(row.window_end)[8:]) for row in windows] == [
        (1, "23:50:00", "05 23:55:00"),
        (1, "23:55:00", "06 00:00:00"),
        (2, "23:55:00", "06 00:00:00"),
    ]
    assert [tuple(row)[5:] for row in windows] == [
        (2, 25.25, 20.5, 30.0, 1),
        (2, 50.0, 40.0, 60.0, 0),
        (1, 7.0, 7.0, 7.0, 0),
    ]
