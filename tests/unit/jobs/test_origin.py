"""A source of a lake is simulated or real: what a run simulates, and what it refuses before anything is moved."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from catalog.run_result import RunResult
from catalog.simulation import simulated
from catalog.tables import SOURCES, selection
from jobs import origin
from jobs.errors import UsageError
from jobs.generate.arguments import Options
from jobs.generate.choice import chosen
from jobs.settings import Settings
from tests.support.project import PROJECT

NIGHT = date(2024, 3, 5)
LOGS = SOURCES["sensor_logs"]
STREAMED = "transactions-2024-03-05-00000-00060-00000-000.json"


def settings_of(
    home: Path, simulate: str = "", tables: tuple[str, ...] = (), night: date = NIGHT
) -> Settings:
    options = Options(simulate=simulated(simulate))
    return Settings("generate", night, "x", home, "spark_catalog", "", selection(tables), options=options)


def put(home: Path, name: str, text: str = "x") -> Path:
    file = home / "landing" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def generated(home: Path, source: str, night: date = NIGHT) -> None:
    """What `generate` leaves of a night."""
    put(home, f"{source}/arrived={night}/{source}-000.csv")
    put(home, f"{source}/arrived={night}/_generated.json", json.dumps({"files": {f"{source}-000.csv": 1}}))
    (home / "truth" / source / f"arrived={night}").mkdir(parents=True)


def names(settings: Settings) -> set[str]:
    return {source.name for source in chosen(settings)}


def refusal(home: Path, *sources: str, read_before: tuple[str, ...] = ()) -> str:
    """What is said when these are simulated; empty if nothing is."""
    try:
        origin.refuse_mixture(
            settings_of(home), [SOURCES[name] for name in sources], lambda source: read_before
        )
    except UsageError as error:
        return str(error)
    return ""


def test_a_lake_to_which_nobody_brought_anything_simulates_all_that_a_night_works_on(tmp_path):
    assert names(settings_of(tmp_path)) == selection(()) & SOURCES.keys()
    generated(tmp_path, "sensor_logs")
    put(tmp_path, f"transactions/{STREAMED}")
    (tmp_path / "checkpoints/stream/transactions/json").mkdir(parents=True)
    assert names(settings_of(tmp_path)) == selection(()) & SOURCES.keys()


@pytest.mark.parametrize(
    "file", ["mine.csv", "gateway-7/mine.csv", "arrived=2023-01-01/mine.csv", "_rejected/mine.csv"]
)
def test_a_lake_with_files_of_its_own_simulates_nothing_but_what_it_has_simulated_before(tmp_path, file):
    put(tmp_path, f"sensor_logs/{file}")
    assert names(settings_of(tmp_path)) == set()
    generated(tmp_path, "readings")
    assert names(settings_of(tmp_path)) == {"readings"}


@pytest.mark.parametrize("file", [".mine.csv", "_mine", "_generated.json"])
def test_a_file_that_nothing_would_read_is_no_file_of_its_own(tmp_path, file):
    put(tmp_path, f"sensor_logs/{file}")
    assert names(settings_of(tmp_path)) == selection(()) & SOURCES.keys()


def test_what_is_said_is_simulated_with_the_registry_that_it_is_looked_up_in_and_nothing_else(tmp_path):
    assert names(settings_of(tmp_path, "readings,events")) == {
        "devices",
        "device_changes",
        "readings",
        "events",
    }
    assert names(settings_of(tmp_path, "readings,sensor_logs", ("sensor_logs",))) == {"sensor_logs"}
    assert names(settings_of(tmp_path, "none")) == set()
    put(tmp_path, "sensor_logs/mine.csv")
    assert names(settings_of(tmp_path, "all")) == selection(()) & SOURCES.keys()


def test_a_source_with_files_of_its_own_is_not_simulated(tmp_path):
    put(tmp_path, "sensor_logs/arrived=2024-03-04/mine.csv")
    said = refusal(tmp_path, "events", "sensor_logs")
    assert said.startswith("sensor_logs has files of your own in this lake (landing/sensor_logs/arrived=")
    assert "LAKEHOUSE_HOME=…" in said and "SIMULATE" in said and "\n" not in said
    assert refusal(tmp_path, "events") == ""


@pytest.mark.parametrize("file", ["mine.csv", "room/mine.csv", "arrived=2024-03-05/mine.csv"])
def test_a_file_that_is_brought_to_a_simulated_source_is_refused(tmp_path, file):
    generated(tmp_path, "sensor_logs")
    assert refusal(tmp_path, "sensor_logs") == ""
    brought = put(tmp_path, f"sensor_logs/{file}")
    said = refusal(tmp_path, "sensor_logs")
    assert said.startswith(
        f"sensor_logs is simulated in this lake, and landing/sensor_logs/{file} is a file of"
    )
    assert "LAKEHOUSE_HOME=…" in said and "SIMULATE" in said and "\n" not in said
    assert brought.exists()


@pytest.mark.parametrize(
    ("source", "given"),
    [
        ("readings", {"names": (("v", "metric_value"),)}),
        ("readings", {"names": (("t", "timestamp"),), "records": "data.items", "zone": "+01:00"}),
        ("readings", {"times": ("dd.MM.yyyy HH:mm",)}),
        ("sensor_logs", {"delimiter": ";", "decimal": ","}),
        ("sensor_logs", {"header": False}),
        ("events", {"senml": True}),
        ("sensor_logs", {"nulls": ("-",), "escapes": "backslash"}),
    ],
)
def test_a_source_whose_files_are_described_is_not_simulated_since_the_simulator_writes_none_such(
    tmp_path, source, given
):
    with pytest.raises(UsageError) as refused:
        origin.refuse_mixture(settings_of(tmp_path), [SOURCES["events"], replace(SOURCES[source], **given)])
    said = str(refused.value)
    assert said.startswith(
        f"{source} cannot be simulated: [sources.{source}] describes files that the simulator"
    )
    assert all(key in said for key in given) and "SIMULATE" in said and "\n" not in said


def test_no_source_of_the_demo_is_described_otherwise_than_the_simulator_writes_it():
    origin.refuse_described(SOURCES.values())
    origin.refuse_described(
        [replace(SOURCES["readings"], earliest=NIGHT, repeated="last", silent_after_days=1)]
    )


def test_a_lake_that_mixed_long_ago_goes_on(tmp_path):
    generated(tmp_path, "sensor_logs")
    put(tmp_path, "sensor_logs/arrived=2024-03-05/mine.csv")
    assert refusal(tmp_path, "sensor_logs", read_before=("arrived=2024-03-05/mine.csv",)) == ""


def test_files_of_a_stream_are_simulated(tmp_path):
    (tmp_path / "checkpoints/stream/transactions/json").mkdir(parents=True)
    put(tmp_path, f"transactions/{STREAMED}")
    put(tmp_path, f"transactions/arrived=2024-03-05/{STREAMED}")
    assert refusal(tmp_path, "transactions") == ""
    put(tmp_path, "transactions/arrived=2024-03-05/at-01.00.00.000000-" + STREAMED)
    assert refusal(tmp_path, "transactions") == ""
    put(tmp_path, "transactions/transactions-received-part-00000.json")  # by an earlier version
    assert refusal(tmp_path, "transactions") == ""
    put(tmp_path, "transactions/transactions-received-part-00000.jsonl")
    assert "transactions-received-part-00000.jsonl is a file of your own" in refusal(tmp_path, "transactions")


def test_a_run_that_was_killed_before_its_manifest_is_known_for_what_it_was(tmp_path):
    put(tmp_path, "sensor_logs/arrived=2024-03-05/sensor_logs-000.csv")
    (tmp_path / "truth/sensor_logs").mkdir(parents=True)
    origin.refuse_mixture(settings_of(tmp_path), [LOGS])
    assert names(settings_of(tmp_path)) == selection(()) & SOURCES.keys()


@pytest.mark.parametrize(
    ("simulate", "said"),
    [
        ("none", "nothing is simulated: SIMULATE names none of the selected sources"),
        ("", "nothing is simulated: this lake has files of your own, of sensor_logs"),
    ],
)
def test_a_night_without_simulated_sources_is_generated_without_spark_and_says_so(tmp_path, simulate, said):
    put(tmp_path, "sensor_logs/mine.csv")
    argv = ["generate", "--night=1970-01-01", f"--simulate={simulate}", f"--home={tmp_path}"]
    environment = {name: value for name, value in os.environ.items() if name != "SPARK_REMOTE"}
    done = subprocess.run(
        [sys.executable, "-m", "jobs", *argv], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    left = RunResult.from_json((tmp_path / "data-docs/runs/by-hand/generate.json").read_text())
    assert (left.status, left.tables[0].rows, left.tables[0].detail) == ("done", 0, {"summary": said})
    assert [file.name for file in (tmp_path / "landing/sensor_logs").iterdir()] == ["mine.csv"]
