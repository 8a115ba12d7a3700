"""The simulated feeds: reproducible, with the faults and distributions that are claimed."""

import csv
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from catalog.tables import SOURCES, selection
from jobs import runner
from jobs.delta.lake import Lake
from jobs.errors import UsageError
from jobs.generate.arguments import FIRST_NIGHT
from jobs.generate.feed import Feed
from jobs.generate.spark_delivery import delivery
from jobs.generate.values import Values
from tests.simulator.nights import JANUARY, NIGHTS, SUNDAY, TUESDAY
from tests.support.simulated import FEEDS

NIGHT = TUESDAY

# Of all lines that a lake's first run lands for NIGHT at scale 0.01, whatever their order: the first load of the
# fleet and the night. A digest changes only with a value that was meant to change, and the changelog says so.
LANDED = {
    "device_changes": "f1b0e31d476f281f",
    "devices": "2a2fa55dbd6d99af",
    "events": "462da38bee3a93ba",
    "inspections": "c76a30e9aac8d52d",
    "iot_events": "88b6eeddba1b6c53",
    "locations": "7a39e744c0ce4f03",
    "machine_sensors": "b69e4ca325b26d8a",
    "readings": "8c11a21c2539d37e",
    "sensor_logs": "08aaed660b3337a7",
    "telematics": "7d4e8ffefb9a05ad",
    "telemetry": "f000b0f110e48164",
}
# Of all rows of NIGHT, or of the first, that are drawn here: more than land at that scale.
DRAWN = {
    "device_changes": "0a8d1a74da6abefe",
    "devices": "6e1f57a80c1217c5",
    "events": "b36235b997ab6f4b",
    "inspections": "f14b389d5e4bb81a",
    "locations": "30bb5c1a5e507e0b",
    "machine_sensors": "0453c171067397e7",
    "readings": "8c138e987cc93e6b",
    "sensor_logs": "d4e6d061fb5475e0",
    "telemetry": "0c6235f8e74b43ff",
}


@pytest.fixture(scope="module")
def first_run(spark, module_lake) -> tuple[Path, dict[str, int]]:
    """A home in which all feeds have landed, the optional ones too, and the rows that each table was said to have."""
    settings = module_lake("generate", tables=selection(FEEDS))
    results = runner.stage("generate")(Lake(spark, settings))
    return settings.home, {result.table: result.rows for result in results}


@pytest.fixture
def landed(first_run, lake) -> Path:
    """The same in the home of the test's lake, which is the test's own."""
    home, _ = first_run
    mine = lake("generate").home
    for folder in ("landing", "truth"):
        shutil.copytree(home / folder, mine / folder)
    return mine


@pytest.fixture
def readings(simulated):
    """Readings of a night before anything goes wrong with them."""

    def of(scale: float, night: date = NIGHT) -> list[dict]:
        names = ("device_id", "timestamp", "metric_name", "metric_value", "is_anomaly")
        rows = simulated("readings", night, scale).project(", ".join(names)).fetchall()
        return [dict(zip(names, row, strict=True)) for row in rows]

    return of


def files(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines(home: Path, source: str) -> Iterator[str]:
    """What has landed for a source."""
    for path in (home / "landing" / source).glob("arrived=*/*"):
        if not path.name.startswith("_"):
            yield from path.read_text().splitlines()


def digest(texts: Iterable[str]) -> str:
    """The same for the same texts, in whatever order they come."""
    return sha256("\n".join(sorted(texts)).encode()).hexdigest()[:16]


def test_the_lines_of_a_night_are_what_they_always_were(first_run):
    home, _ = first_run
    assert {source: digest(lines(home, source)) for source in FEEDS} == LANDED


def test_the_rows_of_a_night_are_what_they_always_were(simulated):
    found = {}
    for source, nights in NIGHTS.items():
        night = NIGHT if NIGHT in nights else FIRST_NIGHT
        rows = simulated(source, night).project(", ".join(SOURCES[source].fields)).fetchall()
        found[source] = digest(map(repr, rows))
    assert found == DRAWN


def test_a_night_generated_twice_is_byte_for_byte_the_same(first_run, run, tmp_path):
    home, _ = first_run
    # One feed for each way of landing: JSON and CSV by Spark, in plain Python, by another library. Of the others,
    # the test above says that their lines are always the same.
    sources = ("telemetry", "sensor_logs", "iot_events", "telematics")
    run("generate", home=tmp_path / "two", tables=frozenset(sources))
    for source in sources:
        one, two = (files(folder / "landing" / source) for folder in (home, tmp_path / "two"))
        assert len(one) > 1 and one == two, source


def test_another_seed_gives_other_values(spark, first_run):
    home, _ = first_run
    other = [row.line for row in delivery(spark, FEEDS["events"], NIGHT, 0.01, 7).collect()]
    assert other and not {*other} & {*lines(home, "events")}


def typed(record: dict, source: str) -> dict:
    """A record as it landed, with the types of its source; what is missing is None."""
    as_is = {"bigint": int, "int": int, "double": float, "timestamp": datetime.fromisoformat}
    of = {**as_is, "date": date.fromisoformat, "boolean": bool, "string": str}
    return {
        name: None if record.get(name) in (None, "") else of[kind.lower()](record[name])
        for name, kind in SOURCES[source].fields.items()
    }


@pytest.mark.parametrize("source", [source for source, feed in FEEDS.items() if isinstance(feed, Feed)])
def test_a_row_lands_as_it_was_drawn_but_for_its_faults(first_run, simulated, source):
    """The tests of distributions look at rows as drawn: what they find holds for what lands."""
    home, _ = first_run
    feed, night = FEEDS[source], FIRST_NIGHT if FEEDS[source].is_initial else NIGHT
    of_source, arrived = SOURCES[source], f"arrived={night}"
    rows = simulated(source, night, 0.01).project(", ".join(of_source.fields)).fetchall()
    drawn = {}
    for row in rows:
        record = dict(zip(of_source.fields, row, strict=True))
        drawn[",".join(str(record[name]) for name in of_source.key)] = record
    assert len(drawn) == len(rows) == feed.count((night - FIRST_NIGHT).days, 0.01)

    faults = defaultdict(list)
    for file in (home / "truth" / source / arrived).glob("*.json"):
        for line in file.read_text().splitlines():
            fault = json.loads(line)
            faults[fault["key"]].append(fault["kind"])
    compared = set()
    for file in sorted((home / "landing" / source / arrived).glob(f"{source}-*")):
        with file.open(newline="") as text:
            for landed in csv.DictReader(text) if of_source.format == "csv" else map(as_json, text):
                if landed is None or None in landed or None in landed.values():
                    continue  # malformed
                assert landed.keys() <= of_source.fields.keys()
                record = typed(landed, source)
                key = ",".join(str(record[name]) for name in of_source.key)
                if key in drawn and set(faults[key]) <= {"duplicate"}:
                    assert record == drawn[key], key
                    compared.add(key)
    # All but the late ones and those with a fault, which are one in six at most.
    assert len(compared) >= (1.0 if feed.is_reliable else 0.75) * len(drawn)


def test_few_readings_of_rooms_are_of_the_whole_day(first_run):
    home, _ = first_run
    read = Counter(line.split(",")[1][:13] for line in lines(home, "sensor_logs"))
    of_hours = [read[f"{NIGHT} {hour:02}"] for hour in range(24)]
    # So many readings that 7 or 8 are of each hour, but for the late ones; and some are sent twice.
    assert min(of_hours) >= 5 and max(of_hours) <= 10


def as_json(line: str) -> dict | None:
    try:
        return json.loads(line)
    except ValueError:
        return None


def test_a_night_that_has_landed_is_left_alone(first_run, landed, run):
    _, first = first_run
    before = {path: path.stat().st_mtime_ns for path in (landed / "landing").rglob("*.json")}
    again = {result.table: result.rows for result in run("generate")}
    assert before == {path: path.stat().st_mtime_ns for path in (landed / "landing").rglob("*.json")}
    assert again.keys() == {f"landing.{source}" for source in FEEDS if not SOURCES[source].optional}
    # The fleet's first load was landed on the way, and is not this night's.
    initial = {"devices": 10_000, "locations": 500, "device_changes": 9_938}
    optional = {table: first[table] for table in first.keys() - again.keys()}
    assert optional == {"landing.telematics": 864}
    assert first == again | optional | {
        f"landing.{source}": again[f"landing.{source}"] + rows for source, rows in initial.items()
    }
    assert again["landing.devices"] == again["landing.locations"] == 0 < again["landing.device_changes"]


def test_a_night_that_has_landed_with_other_parameters_is_refused_by_name(landed, run):
    before = files(landed)
    with pytest.raises(UsageError, match=r"events of 2024-03-05 .* scale 0\.01, not 0\.02"):
        run("generate", tables=frozenset({"events"}), scale=0.02)
    with pytest.raises(UsageError, match="seed 42, not 7"):
        run("generate", tables=frozenset({"events"}), seed=7)
    assert files(landed) == before


def test_a_file_that_is_brought_to_a_simulated_source_is_refused_and_nothing_is_moved(landed, run):
    (landed / "landing/sensor_logs/mine.csv").write_text("x")
    before, events = files(landed), frozenset({"events"})
    for stage in ("generate", "bronze"):
        with pytest.raises(
            UsageError, match=r"sensor_logs is simulated in this lake, and landing/sensor_logs/mine"
        ):
            run(stage, night=NIGHT + timedelta(days=1))
    assert files(landed) == before
    run("generate", tables=events)


def test_a_source_with_files_of_its_own_is_not_simulated_and_the_others_are_not_either(lake, run):
    home = lake("generate").home
    (home / "landing/events").mkdir(parents=True)
    (home / "landing/events/mine.json").write_text("x")
    with pytest.raises(
        UsageError, match=r"events has files of your own in this lake \(landing/events/mine\.json\)"
    ):
        run("generate", simulate=frozenset({"events", "sensor_logs"}))
    (result,) = run("generate")
    assert result.detail == {"summary": "nothing is simulated: this lake has files of your own, of events"}
    assert [*files(home)] == ["landing/events/mine.json"]


def test_a_simulated_night_before_the_fleet_was_installed_is_refused_and_a_real_one_is_not(run, lake):
    early = {"night": date(1970, 1, 1)}
    with pytest.raises(
        UsageError, match=r"1970-01-01 is before 2024-01-01, the first night of the simulated fleet"
    ):
        run("generate", **early)
    assert not (lake("generate").home / "landing").exists()
    assert run("generate", simulate=frozenset(), **early)[0].rows == 0


def test_fault_rates_are_a_parameter_of_the_lake(run, lake):
    """The same of a feed without Spark: tests/unit/jobs/test_iot_events.py."""
    other = {"late": 0.0, "duplicate": 0.0, "malformed": 0.25, "null": 0.0}
    run("generate", fault_rates=other, tables=frozenset({"events"}), scale=5.0)
    home = lake("generate").home
    labels = home / "truth" / "events" / f"arrived={NIGHT}"
    faults = [json.loads(line)["kind"] for file in labels.glob("*.json") for line in file.open()]
    kinds, rows = Counter(faults), sum(1 for _ in lines(home, "events"))
    assert rows == FEEDS["events"].count(1, 5.0) and {"late", "duplicate", "null"}.isdisjoint(kinds)
    # Four standard errors.
    assert kinds["malformed"] / rows == pytest.approx(0.25, rel=0.19)
    with pytest.raises(
        UsageError,
        match=r"not as usual; a lake has one seed and one set of fault rates: use fault rates late=0,dup",
    ):
        run("generate", tables=frozenset({"events"}), scale=5.0)


def test_a_late_row_arrives_within_seven_days_and_once(delivered):
    """All rows of a night, at eight days at most: a late one can be sent a second time on the day after."""
    nights = [date(2024, 3, day) for day in range(1, 11)]
    own = [60 * 10_000_000 + row + 1 for row in range(FEEDS["events"].count(60, 2.0))]
    arrived = defaultdict(list)
    for number, night in enumerate(nights):
        for row in delivered("events", night, 2.0):
            arrived[int(row.key)].append(number)
    copies = Counter(len(arrived[key]) for key in own)
    assert len(own) == 548 and copies.keys() == {1, 2} and copies[2] < 20
    first = [arrived[key][0] for key in own]
    assert 0 < sum(number > 0 for number in first) < 20 and max(first) <= 7
    assert max(arrived[key][-1] for key in own) <= 8


def test_faults_come_as_often_as_claimed(spark, compiled):
    rows = delivery(spark, FEEDS["readings"], NIGHT, 0.5, 42).groupBy("kinds").count().collect()
    kinds = Counter()
    for row in rows:
        for kind in row.kinds:
            kinds[kind] += row["count"]
    records = sum(row["count"] for row in rows if "malformed" not in row.kinds)
    share = {kind: count / records for kind, count in kinds.items()}
    assert share["null"] == pytest.approx(0.02, rel=0.15)
    assert share["malfunction"] == pytest.approx(0.005, rel=0.25)
    assert share["duplicate"] == pytest.approx(0.01, rel=0.2)
    assert share["late"] == pytest.approx(0.01, rel=0.2)
    assert share["malformed"] == pytest.approx(0.001, rel=0.5)
    assert share["unknown_device"] == pytest.approx(0.001, rel=0.5)
    assert share["future"] == pytest.approx(0.0005, rel=0.7)


def test_devices_metrics_and_minutes_are_independent(readings):
    records = readings(0.2)
    assert len({record["device_id"] for record in records}) > 9000
    by_metric = Counter(record["metric_name"] for record in records)
    assert min(by_metric.values()) / len(records) > 0.1
    hours = Counter(record["timestamp"].hour for record in records if record["metric_name"] == "power")
    assert len(hours) == 24 and min(hours.values()) > 0.6 * max(hours.values())
    minutes = defaultdict(list)
    for record in records:
        minutes[record["device_id"]].append(record["timestamp"].minute % 5)
    several = [found for found in minutes.values() if len(found) > 1]
    assert sum(len(set(found)) > 1 for found in several) > 0.7 * len(several)


def test_about_two_percent_of_readings_are_anomalies(readings):
    records = readings(0.5)
    assert sum(record["is_anomaly"] for record in records) / len(records) == pytest.approx(0.02, abs=0.004)


def test_power_follows_working_hours(readings):
    values = {True: [], False: []}
    for record in readings(0.3):
        value = record["metric_value"] or 0
        if record["metric_name"] == "power" and not record["is_anomaly"] and 20 < value < 100:
            values[8 <= record["timestamp"].hour <= 18].append(value)
    assert sum(values[True]) / len(values[True]) == pytest.approx(80, abs=3)
    assert sum(values[False]) / len(values[False]) == pytest.approx(30, abs=3)


def test_sunday_morning_is_a_maintenance_window_without_values(delivered):
    rows = delivered("readings", SUNDAY, 0.2)
    records = [json.loads(row.line) for row in rows if "malformed" not in row.kinds]
    window = [
        r for r in records if r["timestamp"][:10] == str(SUNDAY) and "02" <= r["timestamp"][11:13] <= "05"
    ]
    assert len(window) > 1000 and all("metric_value" not in record for record in window)


@pytest.fixture
def changes(simulated):
    """Changes of a night, in order, before anything goes wrong with them."""
    names = ("device_id", "operation", "before", "after")

    def of(night: date) -> list[dict]:
        rows = simulated("device_changes", night).order("sequence").project(", ".join(names)).fetchall()
        return [dict(zip(names, row, strict=True)) for row in rows]

    return of


def test_the_first_image_of_a_change_is_the_last_image_of_the_change_before(changes):
    # Without delivery faults: a change whose forerunner got lost has nothing to be compared with.
    existing: dict[int, object] = {}
    compared = 0
    for night in JANUARY:
        for change in changes(night):
            if change["before"] is not None:
                assert json.loads(change["before"]) == existing[change["device_id"]]
                compared += 1
            else:
                assert existing.get(change["device_id"]) is None, (
                    "only a device that is not there is registered"
                )
            existing[change["device_id"]] = (
                json.loads(change["after"]) if change["after"] is not None else None
            )
    assert compared > 10_000


def test_an_update_brings_firmware_and_status_and_leaves_serial_type_and_all_else_as_they_were(changes):
    updates = [change for change in changes(NIGHT) if change["operation"] == "UPDATE"]
    differing = Counter()
    for update in updates:
        before, after = json.loads(update["before"]), json.loads(update["after"])
        assert before.keys() == after.keys() == SOURCES["devices"].fields.keys()
        differing.update(name for name in after if before[name] != after[name])
    assert differing.keys() == {"firmware_version", "status"}
    assert min(differing.values()) > 0.3 * len(updates)


def operations(changes: list[dict]) -> Counter:
    return Counter(change["operation"] for change in changes)


def test_the_first_night_of_changes_inserts_the_fleet(changes):
    assert operations(changes(date(2024, 1, 1))) == {"INSERT": 10_000}


@pytest.mark.parametrize("night", [date(2024, 1, 2), date(2024, 1, 12), date(2024, 1, 20), NIGHT])
def test_changes_are_updates_inserts_and_deletes_in_the_claimed_proportion(changes, night):
    """While no device is deleted that could be registered again, and after."""
    found = operations(changes(night))
    assert found.total() == 1000
    # Three standard errors.
    assert found["UPDATE"] == pytest.approx(700, abs=43)
    assert found["INSERT"] == pytest.approx(200, abs=38)
    assert found["DELETE"] == pytest.approx(100, abs=28)


def test_sites_lie_around_their_facility(simulated):
    sites = simulated("locations", date(2024, 1, 1)).project("region, latitude").fetchall()
    assert len(sites) == 500 and {region for region, _ in sites} == {
        "San Francisco",
        "Los Angeles",
        "New York",
    }
    assert all(abs(latitude - 37.7749) <= 0.05 for region, latitude in sites if region == "San Francisco")


def test_a_weighted_pick_falls_into_its_shares(spark):
    pick = Values(1, "test").pick("letter", ("a", "b", "c"), "id", weights=(70, 20, 10))
    counts = {
        row.letter: row["count"]
        for row in spark.range(20_000).selectExpr(f"{pick} AS letter").groupBy("letter").count().collect()
    }
    assert counts["a"] == pytest.approx(14_000, rel=0.03) and counts["c"] == pytest.approx(2_000, rel=0.1)
