"""The simulated feeds: reproducible, with the faults and distributions that are claimed."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from importlib import import_module
from importlib.util import find_spec

import pytest

from jobs.dirt import USUAL
from jobs.generate import plain
from jobs.generate.night import delivery
from jobs.generate.values import Values
from jobs.results import UsageError
from jobs.tables import SOURCES

FEEDS = {
    source: import_module(f"jobs.generate.{source}").FEED
    for source in SOURCES
    if find_spec(f"jobs.generate.{source}")
}
NIGHT = date(2024, 3, 5)  # a Tuesday
SUNDAY = date(2024, 3, 3)


@pytest.fixture
def landed(spark):
    """Records of a feed's delivery, parsed; and how often each fault was put in."""

    def of(source: str, night: date = NIGHT, scale: float = 0.1, seed: int = 42, dirt=USUAL):
        rows = delivery(spark, FEEDS[source], night, scale, seed, dirt).collect()
        records = [json.loads(row.line) for row in rows if "malformed" not in row.kinds]
        return records, Counter(kind for row in rows for kind in row.kinds)

    return of


def files(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_night_generated_twice_is_byte_for_byte_the_same(run, lake, tmp_path):
    run("generate", home=tmp_path / "one")
    run("generate", home=tmp_path / "two")
    one, two = (files(tmp_path / name / "landing") for name in ("one", "two"))
    assert len(one) > 7 and one == two


def test_another_seed_gives_other_values(landed):
    assert landed("events", seed=1)[0] != landed("events", seed=2)[0]


def test_a_night_that_has_landed_is_left_alone(run, lake):
    first = {result.table: result.rows for result in run("generate")}
    before = {path: path.stat().st_mtime_ns for path in lake("generate").landing.rglob("*.json")}
    again = {result.table: result.rows for result in run("generate")}
    assert before == {path: path.stat().st_mtime_ns for path in lake("generate").landing.rglob("*.json")}
    assert again.keys() == {f"landing.{source}" for source in FEEDS if not SOURCES[source].optional}
    # The fleet's first load was landed on the way, and is not this night's.
    initial = {"devices": 10_000, "locations": 500, "device_changes": 9_938}
    assert first == again | {
        f"landing.{source}": again[f"landing.{source}"] + rows for source, rows in initial.items()
    }
    assert again["landing.devices"] == again["landing.locations"] == 0 < again["landing.device_changes"]


def test_a_night_that_has_landed_with_other_parameters_is_refused_by_name(run):
    run("generate", tables=frozenset({"events"}))
    with pytest.raises(UsageError, match=r"events of 2024-03-05 .* scale 0\.01, not 0\.02"):
        run("generate", tables=frozenset({"events"}), scale=0.02)
    with pytest.raises(UsageError, match="seed 42, not 7"):
        run("generate", tables=frozenset({"events"}), seed=7)


def test_dirt_is_a_parameter_of_the_lake(run, landed):
    other = {"late": 0.0, "duplicate": 0.0, "malformed": 0.25, "null": 0.0}
    dirt = {**USUAL, **other}
    _, of_events = landed("events", scale=0.5, dirt=dirt)
    lines = list(plain.lines(FEEDS["iot_events"], NIGHT, 0.05, 42, dirt))
    of_iot_events = Counter(kind for line in lines for kind in line.kinds)
    for kinds, rows in ((of_events, FEEDS["events"].count(1, 0.5)), (of_iot_events, len(lines))):
        assert {"late", "duplicate", "null"}.isdisjoint(kinds)
        assert kinds["malformed"] / rows == pytest.approx(0.25, rel=0.2)
    run("generate", dirt=other, tables=frozenset({"events"}))
    with pytest.raises(
        UsageError, match=r"not as usual; a lake has one seed and one dirt: use dirt late=0,dup"
    ):
        run("generate", tables=frozenset({"events"}))


def test_a_year_has_the_sizes_of_the_documents():
    nights = {source: range(1 if feed.is_initial else 366) for source, feed in FEEDS.items()}
    year = {source: sum(FEEDS[source].count(night, 1.0) for night in nights[source]) for source in nights}
    assert year == {
        "devices": 10_000,
        "locations": 500,
        # A night has whole rows: a few more or less than a 366th of the documents' number.
        "readings": 50_000_000 - 8,
        "events": 100_000 + 284,
        "telemetry": 10_000_000 + 218,
        # The fleet, and a tenth of it on each later night.
        "device_changes": 10_000 + 365 * 1_000,
        # These have their numbers by the night.
        "iot_events": 366 * 10_000,
        "machine_sensors": 366 * 27_000,
        "inspections": 366 * 1_000,
        "sensor_logs": 366 * 17_280,
        "telematics": 366 * 86_400,
    }


def test_a_late_row_arrives_within_seven_days_and_once(landed):
    nights = [date(2024, 3, day) for day in range(1, 15)]
    own = Counter(
        record["event_id"] for night in nights for record in landed("events", night, scale=2)[0]
        if record["timestamp"].startswith("2024-03-01")
    )  # fmt: skip
    sent_twice = sum(1 for count in own.values() if count == 2)
    assert len(own) == pytest.approx(548, abs=10)
    assert max(own.values()) == 2 and 0 < sent_twice < 20


def test_faults_come_as_often_as_claimed(landed):
    records, kinds = landed("readings", scale=0.5)
    share = {kind: count / len(records) for kind, count in kinds.items()}
    assert share["null"] == pytest.approx(0.02, rel=0.15)
    assert share["malfunction"] == pytest.approx(0.005, rel=0.25)
    assert share["duplicate"] == pytest.approx(0.01, rel=0.2)
    assert share["late"] == pytest.approx(0.01, rel=0.2)
    assert share["malformed"] == pytest.approx(0.001, rel=0.5)
    assert share["unknown_device"] == pytest.approx(0.001, rel=0.5)
    assert share["future"] == pytest.approx(0.0005, rel=0.7)


def test_devices_metrics_and_minutes_are_independent(landed):
    records, _ = landed("readings", scale=0.2)
    assert len({record["device_id"] for record in records}) > 9000
    by_metric = Counter(record["metric_name"] for record in records)
    assert min(by_metric.values()) / len(records) > 0.1
    hours = Counter(record["timestamp"][11:13] for record in records if record["metric_name"] == "power")
    assert len(hours) == 24 and min(hours.values()) > 0.6 * max(hours.values())


def test_about_two_percent_of_readings_are_anomalies(landed):
    records, _ = landed("readings", scale=0.5)
    assert sum(record["is_anomaly"] for record in records) / len(records) == pytest.approx(0.02, abs=0.004)


def test_power_follows_working_hours(landed):
    records, _ = landed("readings", scale=0.3)
    values = {True: [], False: []}
    for record in records:
        if (
            record["metric_name"] == "power"
            and not record["is_anomaly"]
            and 20 < record.get("metric_value", 0) < 100
        ):
            values[8 <= int(record["timestamp"][11:13]) <= 18].append(record["metric_value"])
    assert sum(values[True]) / len(values[True]) == pytest.approx(80, abs=3)
    assert sum(values[False]) / len(values[False]) == pytest.approx(30, abs=3)


def test_sunday_morning_is_a_maintenance_window_without_values(landed):
    records, _ = landed("readings", SUNDAY, scale=0.1)
    window = [
        r for r in records if r["timestamp"][:10] == str(SUNDAY) and "02" <= r["timestamp"][11:13] <= "05"
    ]
    assert len(window) > 1000 and all("metric_value" not in record for record in window)


def test_the_first_image_of_a_change_is_the_last_image_of_the_change_before(spark):
    # Without delivery faults: a change whose forerunner got lost has nothing to be compared with.
    feed = replace(FEEDS["device_changes"], faults={}, is_reliable=True)
    held: dict[int, object] = {}
    compared = 0
    for day in range(1, 32):
        for row in delivery(spark, feed, date(2024, 1, day), 1.0, 42).collect():
            change = json.loads(row.line)
            if "before" in change:
                assert json.loads(change["before"]) == held[change["device_id"]]
                compared += 1
            else:
                assert held.get(change["device_id"]) is None, "only a device that is not there is registered"
            held[change["device_id"]] = json.loads(change["after"]) if "after" in change else None
    assert compared > 10_000


def test_an_update_brings_firmware_and_status_and_leaves_serial_type_and_all_else_as_they_were(clean):
    updates = clean("device_changes", NIGHT).where("operation = 'UPDATE'").collect()
    differing = Counter()
    for update in updates:
        before, after = json.loads(update.before), json.loads(update.after)
        assert before.keys() == after.keys() == SOURCES["devices"].fields.keys()
        differing.update(name for name in after if before[name] != after[name])
    assert differing.keys() == {"firmware_version", "status"}
    assert min(differing.values()) > 0.3 * len(updates)


def operations(clean, night: date) -> Counter:
    counted = clean("device_changes", night).groupBy("operation").count().collect()
    return Counter({row.operation: row["count"] for row in counted})


def test_the_first_night_of_changes_inserts_the_fleet(clean):
    assert operations(clean, date(2024, 1, 1)) == {"INSERT": 10_000}


@pytest.mark.parametrize("night", [date(2024, 1, 2), date(2024, 1, 12), date(2024, 1, 20), NIGHT])
def test_changes_are_updates_inserts_and_deletes_in_the_claimed_proportion(clean, night):
    """While no device is deleted that could be registered again, and after."""
    found = operations(clean, night)
    assert found.total() == 1000
    # Three standard errors.
    assert found["UPDATE"] == pytest.approx(700, abs=43)
    assert found["INSERT"] == pytest.approx(200, abs=38)
    assert found["DELETE"] == pytest.approx(100, abs=28)


def test_sites_lie_around_their_facility(landed):
    sites, _ = landed("locations", date(2024, 1, 1))
    assert len(sites) == 500 and {site["region"] for site in sites} == {
        "San Francisco",
        "Los Angeles",
        "New York",
    }
    assert all(abs(site["latitude"] - 37.7749) <= 0.05 for site in sites if site["region"] == "San Francisco")


def test_a_weighted_pick_falls_into_its_shares(spark):
    pick = Values(1, "test").pick("letter", ("a", "b", "c"), "id", weights=(70, 20, 10))
    counts = {
        row.letter: row["count"]
        for row in spark.range(20_000).selectExpr(f"{pick} AS letter").groupBy("letter").count().collect()
    }
    assert counts["a"] == pytest.approx(14_000, rel=0.03) and counts["c"] == pytest.approx(2_000, rel=0.1)
