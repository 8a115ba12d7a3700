"""Factory machines and their inspections: the simulated feeds, and what silver makes of them."""

import csv
import io
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from jobs.generate import inspections, machine_sensors
from jobs.generate.machines import FACTORIES, MINUTES, MODELS, PARTS, PRONE_FACTORY
from jobs.generate.night import delivery
from jobs.tables import SOURCES

NIGHT = date(2024, 3, 5)
MACHINES = frozenset({"devices", "device_changes", "machine_sensors", "inspections"})


@pytest.fixture(scope="module")
def landed(spark):
    """Records of a feed's delivery by field, as texts; and how often each fault was put in."""

    def of(feed, night: date = NIGHT, scale: float = 1.0, is_clean: bool = False):
        if is_clean:
            feed = replace(feed, faults={}, is_reliable=True)
        rows = delivery(spark, feed, night, scale, 42).collect()
        lines = (row.line for row in rows if "malformed" not in row.kinds)
        names = SOURCES[feed.source].fields
        records = [
            dict(zip(names, record, strict=True)) for record in csv.reader(io.StringIO("\n".join(lines)))
        ]
        return records, Counter(kind for row in rows for kind in row.kinds)

    return of


@pytest.fixture(scope="module")
def sensors(landed):
    """A whole night's delivery, dirt and all."""
    return landed(machine_sensors.FEED)


@pytest.fixture(scope="module")
def trips(landed):
    """Readings of a night without dirt, trip by trip in the order of time: (machine, trip) -> readings."""
    found = defaultdict(list)
    for record in landed(machine_sensors.FEED, is_clean=True)[0]:
        found[record["device_id"], record["trip_id"]].append(record)
    return {trip: sorted(readings, key=at) for trip, readings in found.items()}


def at(record: dict) -> datetime:
    return datetime.fromisoformat(record["timestamp"])


def near(share: float, count: int, expected: float) -> bool:
    """Whether a share of independent rows lies within four standard deviations of what is expected."""
    return abs(share - expected) < 4 * (expected * (1 - expected) / count) ** 0.5


def test_a_night_has_27000_readings_of_50_machines_that_make_two_trips_of_270_minutes(trips):
    assert len(trips) == 100 and {len(readings) for readings in trips.values()} == {MINUTES}
    assert Counter(machine for machine, _ in trips) == {str(machine): 2 for machine in range(1, 51)}
    for readings in trips.values():
        assert at(readings[-1]) - at(readings[0]) < timedelta(minutes=MINUTES)
        assert {at(reading).date() for reading in readings} == {NIGHT}
        assert len({at(reading) for reading in readings}) == MINUTES


def test_a_machine_has_one_factory_and_one_engine_model_and_all_are_there(trips):
    machines = {(r["device_id"], r["factory_id"], r["model_id"]) for trip in trips.values() for r in trip}
    assert len(machines) == 50
    assert Counter(factory for _, factory, _ in machines) == dict.fromkeys(FACTORIES, 10)
    assert {model for _, _, model in machines} == set(MODELS) and len(MODELS) == 14


def test_one_temperature_in_ten_is_missing_and_one_pressure_in_twenty_has_its_sign_flipped(sensors):
    records, kinds = sensors
    assert len(records) > 26_000
    missing = [record for record in records if not record["temperature"]]
    flipped = [record for record in records if float(record["air_pressure"]) < 0]
    assert near(len(missing) / len(records), len(records), 0.1)
    assert near(len(flipped) / len(records), len(records), 0.05)
    assert (len(missing), len(flipped)) == (kinds["no_temperature"], kinds["flipped_pressure"])


def test_each_rule_of_an_anomaly_is_met_by_some_readings_and_all_of_them_by_few(trips):
    readings = [reading for trip in trips.values() for reading in trip]
    met = Counter()
    for reading in readings:
        value = {name: float(reading[name]) for name in SOURCES["machine_sensors"].fields if name not in
                 ("factory_id", "model_id", "timestamp")}  # fmt: skip
        met["slow"] += value["delay"] > 155 and value["rotation_speed"] > 800
        met["hot"] += value["temperature"] > 101
        met["clogged"] += value["density"] > 4.6 and value["air_pressure"] < 840
    assert min(met["slow"], met["hot"], met["clogged"]) > 5, met
    assert met.total() / len(readings) < 0.03


def test_readings_are_what_a_machine_can_measure(trips):
    for trip in trips.values():
        for reading in trip:
            assert 35 < float(reading["temperature"]) < 160 and 600 < float(reading["air_pressure"]) < 1120
            assert float(reading["airflow_rate"]) == pytest.approx(
                float(reading["rotation_speed"]) / float(reading["air_pressure"]), rel=0.001
            )
            assert 0 <= float(reading["density"]) < 6 and float(reading["delay"]) > 0


def test_parts_are_inspected_four_to_six_hours_after_a_trip_of_their_machine_some_beyond_midnight(landed):
    ended, crossed = defaultdict(list), 0
    for night in (NIGHT - timedelta(1), NIGHT):
        for record in landed(machine_sensors.FEED, night, is_clean=True)[0]:
            ended[record["device_id"]].append(at(record))
    inspected = landed(inspections.FEED, is_clean=True)[0]
    assert len(inspected) == 1000
    for record in inspected:
        last = max(time for time in ended[record["device_id"]] if time <= at(record))
        assert timedelta(hours=4) - timedelta(minutes=2) < at(record) - last < timedelta(hours=6, minutes=2)
        assert at(record).date() == NIGHT
        crossed += last.date() < NIGHT
    assert crossed == 500
    assert len({(record["device_id"], record["timestamp"]) for record in inspected}) == 1000


def test_one_inspection_in_twenty_has_no_timestamp(landed):
    records, kinds = landed(inspections.FEED, scale=10)
    missing = sum(not record["timestamp"] for record in records)
    assert near(missing / len(records), len(records), 0.05) and missing == kinds["no_timestamp"]


def test_about_seven_percent_of_parts_are_defective_and_more_in_the_factory_that_runs_hot(landed):
    records, _ = landed(inspections.FEED, scale=10, is_clean=True)
    share = sum(record["defect"] == "1" for record in records) / len(records)
    # Ten parts share the fate of a trip, so that a thousand trips are what is independent.
    assert share == pytest.approx(0.07, abs=0.02)
    by_factory = defaultdict(list)
    for record in records:
        by_factory[FACTORIES[int(record["device_id"]) % len(FACTORIES)]].append(record["defect"] == "1")
    shares = {factory: sum(found) / len(found) for factory, found in by_factory.items()}
    others = [found for factory, found in shares.items() if factory != PRONE_FACTORY]
    assert shares[PRONE_FACTORY] > 1.5 * max(others)


def test_a_defect_follows_from_the_temperature_against_its_moving_average(landed, trips):
    """The readings as landed explain the defects: nothing but hot ends of trips makes them."""
    rises = {}
    for (machine, _), readings in trips.items():
        values = [float(reading["temperature"]) for reading in readings]
        before = values[-6:-1]
        rises[machine, at(readings[0]).hour < 12] = values[-1] - sum(before) / len(before)
    outcomes = defaultdict(list)
    for night, is_early in ((NIGHT, True), (NIGHT + timedelta(1), False)):
        for record in landed(inspections.FEED, night, is_clean=True)[0]:
            if (at(record).hour >= 12) == is_early:
                outcomes[rises[record["device_id"], is_early] > 1].append(record["defect"] == "1")
    rates = {is_hot: sum(found) / len(found) for is_hot, found in outcomes.items()}
    assert sum(map(len, outcomes.values())) == len(trips) * PARTS
    assert near(rates[True], len(outcomes[True]), 0.55) and near(rates[False], len(outcomes[False]), 0.01)


def test_a_flipped_pressure_is_put_right_and_flagged_and_what_is_of_no_use_is_quarantined(
    run, drop, table, accounts
):
    header = ",".join(SOURCES["machine_sensors"].fields)
    lines = [
        "1,1,A06,SkyJet234,2024-03-05 08:00:00,0.6,600,950,60,20,2",
        "1,1,A06,SkyJet234,2024-03-05 08:01:00,0.6,600,-950,60,20,2",
        "1,1,A06,SkyJet234,2024-03-05 08:02:00,0.6,600,950,,20,2",
        "1,1,A06,SkyJet234,2024-03-05 08:03:00,0.6,600,950,600,20,2",
        "1,1,B99,SkyJet234,2024-03-05 08:04:00,0.6,600,950,60,20,2",
    ]
    drop("machine_sensors", "mine.csv", "\n".join([header, *lines]) + "\n")
    parts = ["0,2024-03-05 12:00:00,1", "1,,1", "1,2024-03-05 12:12:00,", "2,2024-03-05 12:24:00,1"]
    drop("inspections", "mine.csv", "\n".join(["defect,timestamp,device_id", *parts]) + "\n")
    run("bronze", tables=MACHINES)
    run("check", tables=MACHINES, layer="bronze")
    run("silver", tables=MACHINES)
    run("check", tables=MACHINES, layer="silver")

    rows = table("silver.machine_sensors").orderBy("timestamp").collect()
    assert [(row.air_pressure, row.is_pressure_flipped, row.temperature) for row in rows] == [
        (950.0, False, 60.0),
        (950.0, True, 60.0),
        (950.0, False, None),
    ]
    assert [row._flags for row in rows] == [
        [],
        ["air pressure came with its sign flipped, and was put right"],
        ["no temperature"],
    ]
    assert [(row.defect, row.timestamp.hour) for row in table("silver.inspections").collect()] == [(0, 12)]
    reasons = {(row.source, *row.reasons) for row in table("ops.quarantine").collect()}
    assert reasons == {
        ("machine_sensors", "temperature outside -50 to 250"),
        ("machine_sensors", "unknown factory"),
        ("inspections", "no usable timestamp"),
        ("inspections", "no device_id"),
        ("inspections", "outcome is neither 0 nor 1"),
    }
    assert all(accounts(source)[NIGHT]["is_balanced"] for source in ("machine_sensors", "inspections"))


def test_a_night_of_both_feeds_is_settled_and_checked_and_only_its_faults_are_refused(
    run, lake, table, accounts
):
    for stage in ("generate", "bronze"):
        run(stage, tables=MACHINES, scale=0.2)
    run("check", tables=MACHINES, layer="bronze")
    run("silver", tables=MACHINES)
    run("check", tables=MACHINES, layer="silver")
    truth = Counter()
    for source, landing in (("machine_sensors", 5400), ("inspections", 200)):
        account = accounts(source)[NIGHT]
        assert account["is_balanced"] and account["landed"] == pytest.approx(landing, rel=0.05)
        for file in (lake("verify").home / "truth" / source).rglob("*.json"):
            truth.update(kind for kind in ("future", "malformed", "malfunction", "no_timestamp",
                                           "flipped_pressure") for line in file.open() if f'"{kind}"' in line)  # fmt: skip
    refused = table("ops.quarantine").where("source IN ('machine_sensors', 'inspections')").count()
    assert refused == sum(truth.values()) - truth["flipped_pressure"]
    assert table("silver.machine_sensors").where("is_pressure_flipped").count() <= truth["flipped_pressure"]
    assert table("silver.machine_sensors").where("air_pressure <= 0").count() == 0
