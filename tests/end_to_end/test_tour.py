"""docs/tour.md, typed as it stands on a stack that has run its first night already; what is printed is compared.

Of the three nights that it runs, the first is the stack's, the second one goes through Airflow, and of the third the
steps that change tables run one after the other in one process: what checks and a report do, the second has shown.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from catalog.pipeline import STEPS
from catalog.tables import GOLD, Table, sources_of
from embedded.config import Config
from embedded.services import job_environment
from embedded.vault import Vault
from tests.support.embedded_stack import NIGHT, SCALE, Embedded
from tests.support.project import PROJECT

PAGE = (PROJECT / "docs/tour.md").read_text()
BLOCK = re.compile(r"```(sh|text)\n(.*?)```", re.S)
EXPECTED = [text for kind, text in BLOCK.findall(PAGE) if kind == "text"]
ADDRESS = "http://127.0.0.1:8080"
# What a reader has changed: thresholds and, with them, whatever the jobs read.
COPIED = ("catalog", "dags", "embedded", "expectations", "jobs", "queries")
JOBS = """
import json, sys
from jobs.main import main

for argv in json.loads(sys.argv[1]):
    if status := main(argv):
        sys.exit(f"{argv}: exit status {status}")
"""


@dataclass
class Tourist:
    """Somebody who types what the page says, in a copy of the project, about the lake of a stack."""

    stack: Embedded
    folder: Path
    project: Path
    said: list[str] = field(default_factory=list)
    """What each block of commands printed."""
    shown: list[tuple[str, str]] = field(default_factory=list)
    """What the page says a block prints, and what it printed."""

    def follow(self) -> None:
        """Type the whole page but for its clean-up."""
        for kind, text in BLOCK.findall(PAGE.partition("## 8. ")[0]):
            if kind == "sh":
                self.said.append(self.type(text))
            else:
                self.shown.append((text, self.said[-1]))

    def type(self, text: str) -> str:
        """Type a block of commands, each of which must end well; what it printed, as on the reader's machine."""
        pieces = re.split(r"^(make run .*\n)", text, flags=re.M)
        printed = [
            self.night(piece) if piece.startswith("make run") else self.shell(piece) for piece in pieces
        ]
        return "".join(printed).replace(self.stack.url, ADDRESS).replace(str(self.stack.home), "lake")

    def shell(self, text: str) -> str:
        """Type commands into a shell that has the variables of those before."""
        state = self.folder / "variables"
        text = re.sub(r"\blake/", f"{self.stack.home}/", text.replace(ADDRESS, self.stack.url))
        kept = f"declare -p TOKEN API WINDOWS ALERTS > {state} 2> /dev/null || true"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"touch {state}; . {state}; {text}\n{kept}"],
            cwd=self.project,
            env={**self.stack.environment(), "TMPDIR": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, text + done.stdout + done.stderr
        return done.stdout

    def night(self, line: str) -> str:
        """Run a night as the line says."""
        given = dict(pair.split("=") for pair in line.split()[2:])
        if given == {"NIGHT": NIGHT, "SCALE": SCALE}:
            return self.stack.first_run
        assert given.keys() == {"NIGHT", "TABLES", "SIMULATE"}
        return self.through_airflow(given) if given["NIGHT"] == "2024-03-03" else self.in_one_process(given)

    def through_airflow(self, given: dict[str, str]) -> str:
        """What `make run` says."""
        before = self.stack.pids()
        done = self.stack("run", **given)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert self.stack.pids() == before
        return done.stdout

    def in_one_process(self, given: dict[str, str]) -> str:
        """Run the steps of a night that change tables; nothing is printed."""
        stack = self.stack
        about = [f"--night={given['NIGHT']}", f"--tables={given['TABLES']}", "--run-id=tour"]
        argv = [
            [step.stage, *about] for step in STEPS if step.stage in ("bronze", "silver", "gold", "publish")
        ]
        config = Config(stack.run_dir, stack.home, stack.airflow_port, stack.connect_port, "local", True)
        done = subprocess.run(
            [sys.executable, "-c", JOBS, json.dumps(argv)],
            cwd=self.project,
            env=job_environment(config, Vault(stack.run_dir / "secrets")),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return ""


@pytest.fixture(scope="module")
def tourist(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Tourist:
    """Somebody who has done all that the page says."""
    folder = tmp_path_factory.mktemp("tour")
    project = folder / "project"
    for name in COPIED:
        shutil.copytree(PROJECT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "Makefile", project)
    (project / ".venv").symlink_to(PROJECT / ".venv")
    tourist = Tourist(embedded, folder, project)
    tourist.follow()
    return tourist


def through_airflow(tourist: Tourist) -> str:
    """What the night said that went through Airflow while the tour was on."""
    return next(said for said in tourist.said if "Night 2024-03-03" in said)


def run_through_airflow(tourist: Tourist) -> str:
    """The id of that night's run."""
    run = re.search(r"/dags/iot_nightly/runs/(\S+)", through_airflow(tourist))
    assert run
    return run[1]


def is_optional(table: Table) -> bool:
    """Whether no night has the sources of a table unless it names them."""
    return any(source.optional for source in sources_of(table))


def pattern(expected: str) -> re.Pattern[str]:
    """What a block says is printed: `…` is what differs, on a line of its own any number of lines."""
    lines = (
        r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + "\n"
        for line in expected.splitlines()
    )
    return re.compile("".join(lines))


@pytest.mark.parametrize("number", range(len(EXPECTED)))
def test_what_the_tour_types_prints_what_it_says(tourist: Tourist, number: int) -> None:
    expected, printed = tourist.shown[number]
    assert pattern(expected).fullmatch(printed), f"expected:\n{expected}\nprinted:\n{printed}"
    assert re.search(r"\w", expected.replace("…", "")), "more than what may be anything"


def test_a_second_run_reuses_the_stack_and_is_about_what_was_chosen(tourist: Tourist) -> None:
    first, second = tourist.stack.first_run_id, run_through_airflow(tourist)
    assert "were up already" in through_airflow(tourist)
    (published,) = tourist.stack.run_results(second)["publish"]["tables"]
    assert published["table"] == "gold.readings_5min"
    events = tourist.stack.api().get("/assets/events?limit=100&order_by=-timestamp")["asset_events"]
    updated = {
        run: {each["name"] for each in events if each["source_run_id"] == run} for run in (first, second)
    }
    nightly = {f"gold.{name}" for name, table in GOLD.items() if not is_optional(table)}
    assert updated == {first: nightly, second: set()}, "assets are of what every night has"


def test_a_night_that_simulates_nothing_says_so_and_goes_on(tourist: Tourist) -> None:
    second = through_airflow(tourist)
    assert "nothing is simulated: SIMULATE names none of the selected sources" in second
    assert "2024-03-03: 4 lines landed = 3 in silver" in second


def test_the_pages_that_the_tour_opens_have_what_it_says_of_them(tourist: Tourist) -> None:
    addresses = set(re.findall(rf"{ADDRESS}[^\s)]*", PAGE.replace("`", " "))) - {f"{ADDRESS}/lakehouse/v1"}
    token = (next(tourist.folder.glob("tmp.*"))).read_text().strip().partition(": ")[2]
    pages = {}
    for address in addresses - {f"{ADDRESS}/auth/token"}:
        where = address.replace(ADDRESS, tourist.stack.url)
        answer = requests.get(where, headers={"Authorization": token}, timeout=60)
        assert answer.status_code == 200, address
        pages[address.removeprefix(ADDRESS)] = answer.text
    fleet = pages["/lakehouse/fleet/?night=2024-03-05"]
    for title in ("Alerts by kind", "Quarantine by rule", "Restated nights"):
        assert f"*{title}*" in PAGE and title in fleet
    assert "live_sensors: reading outside 18 to 152" in fleet
    assert "<strong aria-current" in pages["/lakehouse/fleet/?table=gold.alerts#lineage"]


def test_the_tour_cleans_up(tmp_path: Path) -> None:
    """On a stack that is not up: that of other tests is ended, and looked at, when they are done with it."""
    (commands,) = re.findall(r"## 8\. .*?```sh\n(.*?)```", PAGE, re.S)
    (tmp_path / "lake/landing").mkdir(parents=True)
    stack = Embedded(tmp_path, 8080, 15002)
    assert commands.splitlines()[0] == "make stop"
    done = subprocess.run(
        ["bash", "-euc", commands.replace("rm -rf lake", f"rm -rf {stack.home}")],
        cwd=PROJECT,
        env=stack.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "nothing was running\n" and not stack.home.exists()
