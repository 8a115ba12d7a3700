"""docs/your-own-data.md and docs/add-your-own.md, carried out as they stand in one lake without the demo's sources."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from catalog.pipeline import STEPS
from tests.support.other_catalog import project_without_the_demo
from tests.support.project import PROJECT

OWN_DATA, OWN_TABLE = (
    (PROJECT / f"docs/{page}.md").read_text() for page in ("your-own-data", "add-your-own")
)
BLOCK = re.compile(r"```(toml|python|py|sql|sh|text)\n(.*?)```", re.S)
PRINTED = re.compile(r"^printf '.*> (?:lake|plant)/(landing/\S+)$", re.M)
# Jobs one after the other in one process, each an argument list in JSON.
JOBS = """
import contextlib, io, json, sys
from jobs.main import main

for line in sys.stdin:
    for name in [name for name in sys.modules if name.startswith("expectations.silver.")]:
        del sys.modules[name]  # a rule may have changed
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = main(json.loads(line))
        except SystemExit as end:
            code = end.code
    print(json.dumps([code, said.getvalue()]), flush=True)
"""


@dataclass
class Reader:
    """Somebody who does what the pages say, in a copy of the project; `make run` is its stages in one process."""

    project: Path
    prefix: str
    warehouse: Path
    jobs: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    """What each command printed."""
    shown: list[tuple[str, str]] = field(default_factory=list)
    """What the page says a command prints, and what it printed."""

    def follow(self, page: str) -> None:
        """Write each file of a page, type each of its lines, and keep what it says they print."""
        for kind, text in BLOCK.findall(page):
            if kind == "text":
                self.shown.append((text, self.said[-1]))
            elif kind == "sh":
                for line in text.splitlines():
                    self.type(line)
            elif kind == "py":
                text = text.replace("plant/warehouse/", f"{self.warehouse}/{self.prefix}")
                done = subprocess.run(
                    [sys.executable, "-c", text], check=True, capture_output=True, text=True
                )
                self.said.append(done.stdout)
            else:
                self.write(text)

    def write(self, block: str) -> None:
        """Append a block to the file that its first line names."""
        name, text = re.match(r"(?:#|--) (\S+)\n(.*)", block, re.S).groups()  # type: ignore[union-attr]
        assert not (PROJECT / name).exists(), "nothing is changed that is there"
        with (self.project / name).open("a") as file:
            file.write(f"\n{text}" if file.tell() else text)

    def type(self, line: str) -> None:
        """Do what a line of the shell says."""
        if line.startswith("export "):
            assert line == "export LAKEHOUSE_HOME=plant SIMULATE=none"
        elif night := re.fullmatch(r"make run NIGHT=(\S+)", line):
            for step in STEPS:
                layer = [f"--layer={step.layer}"] if step.layer else []
                simulate = ["--simulate=none"] if step.stage == "generate" else []
                self.job(step.stage, *layer, *simulate, f"--night={night[1]}", f"--run-id=night-{night[1]}")
        elif job := re.fullmatch(r"python3 -m embedded job (.*)", line):
            self.job(*job[1].split())
        else:
            subprocess.run(["bash", "-ec", line], check=True, cwd=self.project)
        for name in PRINTED.findall(line):
            # As after a while: bronze leaves alone what may still be written.
            os.utime(self.project / "plant" / name, (1.75e9, 1.75e9))

    def job(self, *argv: str) -> None:
        """Run a stage or command; it must end well."""
        assert self.jobs.stdin and self.jobs.stdout
        self.jobs.stdin.write(
            json.dumps([*argv, f"--home={self.project}/plant", f"--prefix={self.prefix}"]) + "\n"
        )
        self.jobs.stdin.flush()
        code, said = json.loads(self.jobs.stdout.readline())
        assert code == 0, (argv, said)
        self.said.append(said)

    def exported(self, table: str) -> list[dict[str, str]]:
        """The rows of a table that a page exports."""
        (file,) = (self.project / "plant").glob(f"*{table}*.csv")
        with file.open(newline="") as text:
            return list(csv.DictReader(text))


@pytest.fixture(scope="module")
def reader(connect_server, module_lake, tmp_path_factory) -> Iterator[Reader]:
    """The reader of both pages; the files of the second are there on the first's first night."""
    project = project_without_the_demo(tmp_path_factory.mktemp("project"))
    (project / "catalog/demo.toml").touch()
    command = [sys.executable, "-c", JOBS]
    environment = {name: value for name, value in os.environ.items() if name != "LAKEHOUSE_SIMULATE"}
    with subprocess.Popen(
        command,
        cwd=project,
        env=environment | connect_server,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as jobs:
        warehouse = Path(connect_server["LAKEHOUSE_HOME"]) / "warehouse"
        reader = Reader(project, module_lake("bronze").prefix, warehouse, jobs)
        assert PRINTED.search(OWN_TABLE)
        for kind, text in BLOCK.findall(OWN_TABLE):
            if kind != "sh":
                reader.write(text)
                continue
            *delivery, night = text.replace(" lake/", " plant/").splitlines()
            assert night.startswith("make run ")
            for line in delivery:
                reader.type(line)
        reader.follow(OWN_DATA)
        yield reader
        assert jobs.stdin
        jobs.stdin.close()


@pytest.fixture(scope="module")
def rows(spark, module_lake, reader) -> Any:
    """Rows of a table, by its full name, which the demo's catalog here does not have."""
    prefix = module_lake("bronze").prefix
    return lambda name: spark.table(f"{prefix}{name}").collect()


def test_files_of_ones_own_are_looked_at_in_gold_as_the_page_says(reader):
    assert len(reader.shown) == 2
    for expected, printed in reader.shown:
        assert printed.endswith(expected), printed


def test_objects_by_the_line_are_in_silver_and_every_line_is_accounted_for(rows):
    uplinks = sorted((row.is_open, row.door, row.rssi) for row in rows("silver.doors"))
    assert uplinks == [(False, "north", -61), (True, "north", -57)]
    kept = [json.loads(row._rescued.toJson()) for row in rows("bronze.doors")]
    assert {"object.battery", "deviceInfo.devEui", "rxInfo[0].snr", "rxInfo[0].gatewayId"} == {*kept[0]}
    accounts = rows("ops.row_accounts")
    assert {account.source for account in accounts} == {"air_quality", "boilers", "doors", "meters"}
    for account in accounts:
        outcomes = account.silver + account.quarantined + account.duplicates
        assert account.is_balanced and account.is_published
        assert account.landed == account.bronze == outcomes


def test_the_objects_of_an_array_are_in_silver(rows):
    assert sorted(row.total_kwh for row in rows("silver.meters")) == [1234.5, 1301.0]


def test_what_is_wrong_is_looked_up_and_the_late_file_restates(reader):
    (refused,) = [row for row in reader.exported("quarantine") if row["source"] == "boilers"]
    assert "flow outside of what is possible" in refused["reasons"]
    (broken,) = reader.exported("rejected_files")
    assert broken["source"] == "boilers" and "cut.csv.gz" in broken["file"] and broken["reason"]
    assert "2025-05-01" in {row["slice"] for row in reader.exported("restatements")}


def test_quarantine_opens_in_polars_as_the_page_says(reader):
    assert "boilers ['flow outside of what is possible'] {" in reader.said[-1]
    assert '"boiler":"B2","flow_c":96.0' in reader.said[-1]


def test_nothing_of_the_demo_is_in_such_a_lake(spark, module_lake, reader):
    prefix = module_lake("bronze").prefix
    found = spark.sql(f"SHOW TABLES IN {prefix}bronze").where("NOT isTemporary").collect()
    tables = {row.tableName for row in found}
    assert tables == {"air_quality", "boilers", "doors", "meters"}
    assert "nothing is simulated" in reader.said[0]


def test_the_how_to_adds_a_source_and_a_gold_table(rows, reader):
    ((day, *measured),) = rows("gold.air_daily")
    assert (str(day), *measured) == ("2024-03-05", "Lab", 2, 13.0, 13.5)
    refused = [row.reasons for row in rows("ops.quarantine") if row.source == "air_quality"]
    assert refused == [["pm25 outside 0 to 1000 µg/m³"]]
