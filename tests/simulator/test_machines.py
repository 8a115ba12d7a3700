"""Factory machines and their inspections: the simulated feeds, and what silver makes of them."""

import csv
import io
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

import pytest

from catalog.tables import SOURCES
from jobs.generate.machines import FACTORIES, MINUTES, MODELS, PARTS, PRONE_FACTORY
from tests.simulator import reconciled as hand
from tests.simulator.nights import MONDAY, TUESDAY, WEDNESDAY

MACHINES = ("machine_sensors", "inspections")
NIGHT = TUESDAY


@pytest.fixture(scope="module")
def records(simulated):
    """Records of a feed's night without faults."""

    def of(source: str, night: date = NIGHT, scale: float = 1.0) -> list[dict]:
        names = SOURCES[source].fields
        rows = simulated(source, night, scale).project(", ".join(names)).fetchall()
        return [dict(zip(names, row, strict=True)) for row in rows]

    return of


@pytest.fixture(scope="module")
def landed(delivered):
    """Records of a night's delivery, faults included, as strings; and how often each fault was injected."""

    def of(source: str, scale: float):
        rows = delivered(source, NIGHT, scale)
        lines = (row.line for row in rows if "malformed" not in row.kinds)
        names = SOURCES[source].fields
        texts = [
            dict(zip(names, record, strict=True)) for record in csv.reader(io.StringIO("\n".join(lines)))
        ]
        return texts, Counter(kind for row in rows for kind in row.kinds)

    return of


@pytest.fixture(scope="module")
def trips(records):
    """Readings of a night without faults, trip by trip in the order of time: (machine, trip) -> readings."""
    found = defaultdict(list)
    for record in records("machine_sensors"):
        found[record["device_id"], record["trip_id"]].append(record)
    return {trip: sorted(readings, key=at) for trip, readings in found.items()}


def at(record: dict) -> datetime:
    return record["timestamp"]


def near(share: float, count: int, expected: float) -> bool:
    """Whether a share of independent rows lies within four standard deviations of what is expected."""
    return abs(share - expected) < 4 * (expected * (1 - expected) / count) ** 0.5


def test_a_night_has_27000_readings_of_50_machines_that_make_two_trips_of_270_minutes(trips):
    assert len(trips) == 100 and {len(readings) for readings in trips.values()} == {MINUTES}
    assert Counter(machine for machine, _ in trips) == {machine: 2 for machine in range(1, 51)}
    for readings in trips.values():
        assert at(readings[-1]) - at(readings[0]) < timedelta(minutes=MINUTES)
        assert {at(reading).date() for reading in readings} == {NIGHT}
        assert len({at(reading) for reading in readings}) == MINUTES


def test_a_machine_has_one_factory_and_one_engine_model_and_all_are_there(trips):
    machines = {(r["device_id"], r["factory_id"], r["model_id"]) for trip in trips.values() for r in trip}
    assert len(machines) == 50
    assert Counter(factory for _, factory, _ in machines) == dict.fromkeys(FACTORIES, 10)
    assert {model for _, _, model in machines} == set(MODELS) and len(MODELS) == 14


def test_one_temperature_in_ten_is_missing_and_one_pressure_in_twenty_has_its_sign_flipped(landed):
    records, kinds = landed("machine_sensors", 1.0)
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
        met["slow"] += reading["delay"] > 155 and reading["rotation_speed"] > 800
        met["hot"] += reading["temperature"] > 101
        met["clogged"] += reading["density"] > 4.6 and reading["air_pressure"] < 840
    assert min(met["slow"], met["hot"], met["clogged"]) > 5, met
    assert met.total() / len(readings) < 0.03


def test_readings_are_what_a_machine_can_measure(trips):
    for trip in trips.values():
        for reading in trip:
            assert 35 < reading["temperature"] < 160 and 600 < reading["air_pressure"] < 1120
            airflow = reading["rotation_speed"] / reading["air_pressure"]
            assert abs(reading["airflow_rate"] - airflow) <= 0.001 * airflow
            assert 0 <= reading["density"] < 6 and reading["delay"] > 0


def test_parts_are_inspected_four_to_six_hours_after_a_trip_of_their_machine_some_beyond_midnight(records):
    ended, crossed = defaultdict(list), 0
    for night in (MONDAY, NIGHT):
        for record in records("machine_sensors", night):
            ended[record["device_id"]].append(at(record))
    inspected = records("inspections")
    assert len(inspected) == 1000
    for record in inspected:
        last = max(time for time in ended[record["device_id"]] if time <= at(record))
        assert timedelta(hours=4) - timedelta(minutes=2) < at(record) - last < timedelta(hours=6, minutes=2)
        assert at(record).date() == NIGHT
        crossed += last.date() < NIGHT
    assert crossed == 500
    assert len({(record["device_id"], record["timestamp"]) for record in inspected}) == 1000


def test_one_inspection_in_twenty_has_no_timestamp(landed):
    records, kinds = landed("inspections", 10)
    missing = sum(not record["timestamp"] for record in records)
    assert near(missing / len(records), len(records), 0.05) and missing == kinds["no_timestamp"]


def test_about_seven_percent_of_parts_are_defective_and_more_in_the_factory_that_runs_hot(records):
    inspected = records("inspections", scale=10)
    share = sum(record["defect"] for record in inspected) / len(inspected)
    # Ten parts share the outcome of a trip, so that a thousand trips are what is independent.
    assert share == pytest.approx(0.07, abs=0.02)
    by_factory = defaultdict(list)
    for record in inspected:
        by_factory[FACTORIES[record["device_id"] % len(FACTORIES)]].append(record["defect"])
    shares = {factory: sum(found) / len(found) for factory, found in by_factory.items()}
    others = [found for factory, found in shares.items() if factory != PRONE_FACTORY]
    assert shares[PRONE_FACTORY] > 1.5 * max(others)


def test_a_defect_follows_from_the_temperature_against_its_moving_average(records, trips):
    """The readings as landed explain the defects: nothing but hot ends of trips makes them."""
    rises = {}
    for (machine, _), readings in trips.items():
        values = [reading["temperature"] for reading in readings]
        before = values[-6:-1]
        rises[machine, at(readings[0]).hour < 12] = values[-1] - sum(before) / len(before)
    outcomes = defaultdict(list)
    for night, is_early in ((NIGHT, True), (WEDNESDAY, False)):
        for record in records("inspections", night):
            if (at(record).hour >= 12) == is_early:
                outcomes[rises[record["device_id"], is_early] > 1].append(record["defect"])
    rates = {is_hot: sum(found) / len(found) for is_hot, found in outcomes.items()}
    assert sum(map(len, outcomes.values())) == len(trips) * PARTS
    assert near(rates[True], len(outcomes[True]), 0.55) and near(rates[False], len(outcomes[False]), 0.01)


def test_a_flipped_pressure_is_put_right_and_flagged_and_what_is_of_no_use_is_quarantined(reconciled):
    """Rows that were delivered by hand: `READINGS` and `PARTS` of reconciled.py."""
    machine = "device_id = 901"
    rows = reconciled.table("silver.machine_sensors").where(machine).orderBy("timestamp").collect()
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
    parts = reconciled.table("silver.inspections").where(machine).collect()
    assert [(row.defect, row.timestamp.hour) for row in parts] == [(0, 12)]
    refused = reconciled.refused(*MACHINES, by_hand=True)
    assert sorted((row.source, *row.reasons) for row in refused) == [
        ("inspections", "no device_id"),
        ("inspections", "no usable timestamp"),
        ("inspections", "outcome is neither 0 nor 1"),
        ("machine_sensors", "temperature outside -50 to 250"),
        ("machine_sensors", "unknown factory"),
    ]
    assert all(reconciled.account(source)["is_balanced"] for source in MACHINES)


def test_a_night_of_both_feeds_is_reconciled_and_checked_and_only_its_faults_are_refused(reconciled):
    for source, landing, by_hand in (
        ("machine_sensors", 5400, len(hand.READINGS)),
        ("inspections", 200, len(hand.PARTS)),
    ):
        account = reconciled.account(source)
        assert account["is_balanced"] and account["landed"] - by_hand == pytest.approx(landing, rel=0.05)
    labels = reconciled.faults(*MACHINES)
    refused = sum(labels[kind] for kind in ("future", "malformed", "malfunction", "no_timestamp"))
    assert len(reconciled.refused(*MACHINES, by_hand=False)) == refused
    sensors = reconciled.table("silver.machine_sensors").where("device_id <> 901")
    assert 0 < sensors.where("is_pressure_flipped").count() <= labels["flipped_pressure"]
    assert sensors.where("air_pressure <= 0").count() == 0
