"""Events with an object of changing keys: one generator for the nightly feed and for a plain file."""

import json
import subprocess
import sys
from collections import Counter
from datetime import date
from math import sqrt
from pathlib import Path

import pytest

from catalog.tables import SOURCES
from jobs import main
from jobs.errors import UsageError
from jobs.generate import event_pools, python_delivery
from jobs.generate.fault_rates import USUAL
from jobs.generate.feeds.iot_events import FEED, event

NIGHT, SUNDAY = date(2024, 3, 5), date(2024, 3, 3)


def events(count: int, night_index: int = 64, seed: int = 42, **given: object) -> list[dict]:
    drawn = event_pools.load(**given)
    return [event(seed, night_index, row, drawn) for row in range(count)]


def a_file(*argv: object) -> int:
    return main.main(["events-file", *map(str, argv)])


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_has_23_fixed_columns_and_an_object():
    for row in events(500):
        assert list(row) == list(SOURCES["iot_events"].fields) and len(row) == 24
        assert isinstance(row["json_column"], dict)


def test_objects_have_5_to_25_keys_equally_often_and_any_key_may_be_there():
    rows = events(4000)
    sizes = Counter(len(row["json_column"]) for row in rows)
    # 21 sizes: 190 each, give or take 4.5 standard deviations.
    assert sorted(sizes) == list(range(5, 26)) and all(130 < count < 250 for count in sizes.values())
    drawn = event_pools.defaults()
    keys = Counter(key for row in rows for key in row["json_column"])
    # 15 of 35 on average: 1,714 each.
    assert set(keys) == {*drawn.keys, *drawn.nested} and all(1550 < count < 1880 for count in keys.values())
    nested = {
        key: value for row in rows for key, value in row["json_column"].items() if isinstance(value, dict)
    }
    assert set(nested) == {"location", "diagnostics", "config"}
    assert {"latitude", "longitude"} <= set(nested["location"])


def test_a_sensor_is_the_same_device_whenever_it_reports():
    known: dict[object, set[tuple]] = {}
    for row in events(4000, max_keys=5):
        known.setdefault(row["sensor_id"], set()).add((row["device_type"], row["region"], row["model"]))
    # Of 10,000 sensors; some 700 of the events come from one that has reported before.
    assert 3000 < len(known) < 3500 and all(len(images) == 1 for images in known.values())


def test_ids_are_unique_and_another_seed_gives_others():
    ids = {row["event_id"] for night in (64, 65) for row in events(2000, night)}
    assert len(ids) == 4000 and not ids & {row["event_id"] for row in events(2000, seed=43)}


@pytest.fixture(scope="module")
def sunday() -> list[dict]:
    """A Sunday's events."""
    return events(6000, (SUNDAY - date(2024, 1, 1)).days)


def is_in_window(row: dict) -> bool:
    return "02" <= row["timestamp"][11:13] <= "05"


def test_two_percent_are_offline_and_sunday_morning_is_maintenance_without_values(sunday):
    window = [row for row in sunday if is_in_window(row)]
    assert len(window) == pytest.approx(1000, abs=130)
    for row in window:
        assert (row["status"], row["temperature"], row["pressure"]) == ("Maintenance", None, None)
    others = [row for row in sunday if not is_in_window(row)]
    statuses = Counter(row["status"] for row in others)
    assert "Maintenance" not in statuses and statuses["Offline"] / 5000 == pytest.approx(0.02, abs=0.008)
    assert all(row["temperature"] is not None for row in others)


def test_in_the_maintenance_window_sensors_say_so_and_else_two_in_a_hundred_are_offline(sunday):
    statuses = {True: Counter(), False: Counter()}
    for row in sunday:
        statuses[is_in_window(row)][row["status"]] += 1
    assert statuses[True].keys() == {"Maintenance"} and statuses[True].total() > 700
    outside, drawn = statuses[False], event_pools.defaults()
    drawn_offline = 1 / len(drawn.statuses) if "Offline" in drawn.statuses else 0
    expected = 0.02 + 0.98 * drawn_offline
    assert outside["Offline"] / outside.total() == pytest.approx(
        expected, abs=5 * sqrt(expected * (1 - expected) / outside.total())
    )


def test_a_night_delivers_its_clean_rows_faults_late_ones_and_second_copies():
    delivered = list(python_delivery.lines(FEED, NIGHT, 0.2, 42))
    clean = {row["event_id"]: row for row in events(2000)}
    for line in delivered:
        if not set(line.kinds) - {"duplicate", "late"} and line.key in clean:
            assert json.loads(line.text) == clean[line.key]
    kinds = Counter(kind for line in delivered for kind in line.kinds)
    expected = {"late": 20, "duplicate": 20, "malfunction": 10, "null": 40}
    # Within four standard deviations of a Poisson count.
    assert all(abs(kinds[kind] - count) < 4 * count**0.5 for kind, count in expected.items())
    assert kinds["malformed"] and kinds["future"]


def test_faults_come_as_often_as_the_options_say():
    other = {"late": 0.0, "duplicate": 0.0, "malformed": 0.25, "null": 0.0}
    delivered = list(python_delivery.lines(FEED, NIGHT, 0.1, 42, {**USUAL, **other}))
    kinds = Counter(kind for line in delivered for kind in line.kinds)
    assert len(delivered) == 1000 and {"late", "duplicate", "null"}.isdisjoint(kinds)
    # Four standard errors.
    assert kinds["malformed"] / len(delivered) == pytest.approx(0.25, abs=0.055)


def test_every_row_arrives_within_eight_days_once_or_twice():
    arrived = Counter(
        line.key for day in range(1, 12) for line in python_delivery.lines(FEED, date(2024, 3, day), 0.02, 42)
    )
    own = [row["event_id"] for row in events(200, 60)]
    copies = Counter(arrived[key] for key in own)
    assert set(copies) <= {1, 2} and copies[1] > 190


def test_a_plain_file_holds_the_clean_rows_of_the_night(tmp_path, capsys):
    assert a_file("--out", tmp_path, "--count", 200, "--seed", 42, "--night", NIGHT) == 0
    (path,) = tmp_path.iterdir()
    assert path.name == "iot_events_20240305_235959.json" and str(path) in capsys.readouterr().out
    assert lines(path) == events(200)


def test_catalogs_can_be_replaced_by_a_settings_file(tmp_path):
    settings = tmp_path / "settings.toml"
    settings.write_text(
        'device_types = ["Valve"]\nmin_keys = 1\nmax_keys = 2\n'
        "[keys]\nbar = { low = 1, high = 3 }\n[nested.location]\nroom = ['A', 'B']\n"
    )
    assert a_file("--out", tmp_path / "x.json", "--count", 60, "--settings", settings) == 0
    rows = lines(tmp_path / "x.json")
    assert {row["device_type"] for row in rows} == {"Valve"} and len(rows) == 60
    assert {key for row in rows for key in row["json_column"]} == {"bar", "location"}
    assert {row["json_column"]["bar"] for row in rows if "bar" in row["json_column"]} == {1, 2, 3}
    assert a_file("--out", tmp_path / "y.json", "--count", 9, "--settings", settings, "--max-keys", 1) == 0
    assert {len(row["json_column"]) for row in lines(tmp_path / "y.json")} == {1}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("device_type = ['Valve']", "unknown key 'device_type'; known are min_keys"),
        ("device_types = 'Valve'", "device_types is 'Valve', not a list of strings"),
        ("regions = []", "regions is []"),
        ("envs = [1]", "envs is [1]"),
        ("max_keys = '9'", "max_keys is '9', not an integer"),
        ("max_keys = true", "not an integer"),
        ("max_keys = 99", "must be in order, from 1 to 35"),
        ("min_keys = 26", "must be in order"),
        ("keys = 3", "not a table"),
        ("[keys]\nx = { low = 2, high = 1 }", "low end above its high"),
        ("[keys]\nx = { low = nan, high = 1 }", "keys.x"),
        ("[keys]\nx = { low = 1, high = 2, step = 3 }", "keys.x"),
        ("[nested.location]\nroom = {}", "nested.location.room"),
        ("nested = 1", "nested is 1"),
        ("device_types = [", "Invalid value"),
        ("x = " + "[" * 5000, "nested too deeply"),
        ("\udcff", "utf-8"),
    ],
)
def test_a_settings_file_that_is_wrong_is_refused_in_one_line_and_nothing_is_written(
    tmp_path, capsys, text, complaint
):
    settings, folder = tmp_path / "settings.toml", tmp_path / "out"
    settings.write_bytes(text.encode(errors="surrogateescape"))
    folder.mkdir()
    assert a_file("--out", folder, "--count", 5, "--settings", settings) == 2
    error = capsys.readouterr().err
    assert complaint in error and error.count("\n") == 1 and len(error) < 400
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "argv",
    [
        ["--count", "0"],
        ["--count", "ten"],
        ["--count", "10000001"],
        ["--count", "5", "--seed", "-1"],
        ["--count", "5", "--night", "2023-12-31"],
        ["--count", "5", "--min-keys", "0"],
        [],
    ],
)
def test_a_wrong_argument_is_refused_in_one_line(tmp_path, capsys, argv):
    with pytest.raises(SystemExit) as exit_:
        a_file("--out", tmp_path, *argv)
    assert exit_.value.code == 2 and capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    assert a_file("--out", tmp_path / "no" / "x.json", "--count", 5) == 2
    assert f"there is no folder {tmp_path / 'no'}" in capsys.readouterr().err


def test_a_batch_that_fails_midway_leaves_the_file_that_was_there(tmp_path, monkeypatch, capsys):
    path = tmp_path / "x.json"
    path.write_text("former\n")

    def full(seed, night_index, row, drawn):
        if row == 3:
            raise OSError(28, "No space left on device")
        return {"row": row}

    monkeypatch.setattr("jobs.generate.events_file.event", full)
    assert a_file("--out", path, "--count", 5) == 1
    assert "No space left" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"] and path.read_text() == "former\n"


def test_the_generator_needs_the_standard_library_alone():
    # -S leaves out site-packages, and with them pyspark.
    code = "import jobs.generate.feeds.iot_events, jobs.generate.events_file, sys; assert 'pyspark' not in sys.modules"
    subprocess.run([sys.executable, "-S", "-c", code], check=True)


def test_numbers_that_cannot_be_json_are_no_choice():
    with pytest.raises(UsageError, match="from 1 to 35"):
        event_pools.load(min_keys=9, max_keys=8)
