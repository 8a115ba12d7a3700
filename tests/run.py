"""Runs the suites, each in the environment it needs: `make test`, `make test-fast`, `make test ONLY=tests/spark/gold`.

Several suites run at a time (docs/decisions/2026-11-28-tests.md). Each leaves its output
and a JUnit XML file in .test-results/; the slowest tests of all are listed at the end. Standard library only.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from select import select
from threading import Lock
from xml.etree import ElementTree

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = PROJECT / ".test-results"
SLOWEST = 30
MEASURED = "catalog,dags,expectations,jobs,pipelines,plugins,serving,workspace,embedded"


@dataclass(frozen=True)
class Suite:
    """One run of pytest."""

    name: str
    environment: str  # of .venv
    paths: tuple[str, ...]
    but: tuple[str, ...] = ()  # of its paths, those of other suites
    needs_docker: bool = False


AIRFLOW = Suite("airflow", "airflow", ("tests/unit/dags", "tests/unit/serving", "tests/unit/workspace"))
UNIT = Suite("unit", "spark", ("tests/unit",), AIRFLOW.paths, needs_docker=True)
STANDIN = Suite("databricks", "airflow", ("tests/databricks", "tests/support/standin"))
NIGHTS = Suite("nights", "spark", ("tests/spark/nights", "tests/spark/parity"))
SIMULATOR = Suite("simulator", "spark", ("tests/simulator", "tests/spark/stream"))
SPARK = Suite("spark", "spark", ("tests/spark",), (*NIGHTS.paths, *SIMULATOR.paths))
CONTAINERS = Suite("containers", "spark", ("tests/end_to_end/test_compose.py",), needs_docker=True)
END_TO_END = Suite("end-to-end", "spark", ("tests/end_to_end",), CONTAINERS.paths)

FAST = (UNIT, AIRFLOW)
# Those that have one Spark server when several of them are asked for.
SHARING = {NIGHTS.name, SPARK.name, SIMULATOR.name, END_TO_END.name}
# The longest first, then the others as one of these ends. More than two at a time need the memory for their servers:
# they fill the time in which scheduler and browser wait.
SUITES = (NIGHTS, END_TO_END, SPARK, SIMULATOR, CONTAINERS, STANDIN, AIRFLOW, UNIT)
AT_ONCE = 4 if os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") > 20 << 30 else 2
# What .github/workflows/ci.yml runs side by side, each on a machine of its own.
PARTS = {"unit": FAST, "spark": (NIGHTS, SPARK, SIMULATOR, STANDIN), "end-to-end": (END_TO_END, CONTAINERS)}

_printing = Lock()


def suites_of(path: str) -> list[Suite]:
    """What of each suite lies under a file, folder or test (`file::test`), as suites of that path alone.

    A relative path is one of the project, wherever this is called. Raises SystemExit when nothing is there, no suite
    has it, or the file has no such test.
    """
    wanted, _, test = path.partition("::")
    location = (PROJECT / wanted).resolve()
    if not wanted or not location.exists():
        raise SystemExit(f"error: there is no {wanted}; name a file or folder of tests/, or file.py::test")
    found = []
    for suite in SUITES:
        own = [PROJECT / each for each in suite.paths]
        if any(location.is_relative_to(PROJECT / each) for each in suite.but):
            continue
        if any(location.is_relative_to(each) for each in own):
            found.append(replace(suite, paths=(path,)))
        elif inside := tuple(str(each) for each in own if each.is_relative_to(location)):
            found.append(replace(suite, paths=inside))
    if not found or (test and not location.is_file()):
        raise SystemExit(f"error: {path} holds no tests; name a file or folder of tests/, or file.py::test")
    if test:
        refuse_unknown(test, location, wanted)
    return found


def refuse_unknown(test: str, location: Path, file: str) -> None:
    """Raise SystemExit when a file defines nothing of a test's name; its parameters are left to pytest."""
    text = location.read_text()
    for name in test.partition("[")[0].split("::"):
        if not re.search(rf"^\s*(async )?(def|class) {re.escape(name)}\b", text, re.MULTILINE):
            raise SystemExit(
                f"error: there is no {name} in {file}; `grep 'def test_' {file}` lists its tests"
            )


def command(suite: Suite, options: argparse.Namespace) -> list[str]:
    """The command line of a suite."""
    order: list[str] = []
    if options.random is not None:
        order = ["-p", "randomly", f"--randomly-seed={options.random}"]
    coverage = [f"--cov={name}" for name in MEASURED.split(",")] if options.coverage else []
    return [
        f"{PROJECT}/.venv/{suite.environment}/bin/python",
        *("-m", "pytest", *suite.paths, *(f"--ignore={path}" for path in suite.but)),
        *(
            f"--junitxml={RESULTS / suite.name}.xml",
            *order,
            *coverage,
            *(["--cov-report="] if coverage else []),
        ),
    ]


@contextmanager
def shared_server(suites: Iterable[Suite]) -> Iterator[dict[str, str]]:
    """Run the Spark server that suites share; the variable by which their tests reach it.

    Of a suite by itself the tests start their own. Raises SystemExit when the server does not come up.
    """
    if len({suite.name for suite in suites} & SHARING) < 2:
        yield {}
        return
    command = [f"{PROJECT}/.venv/spark/bin/python", "-m", "tests.support.connect_server", str(RESULTS)]
    # A session of its own: what interrupts the suites must not end the server before they have cleaned up.
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        if not (environment := process.stdout.readline()):
            raise SystemExit("error: the tests' Spark server did not come up; what it said stands above")
        yield {"TESTS_CONNECT_SERVER": environment}


def opened(pid: int | None) -> int | None:
    """What can be waited for until a process ends; None when there is none."""
    with suppress(ProcessLookupError):
        return None if pid is None else os.pidfd_open(pid)
    return None


def run(suite: Suite, options: argparse.Namespace, server: Mapping[str, str], engine: int | None) -> bool:
    """Run a suite and print what it said; whether it passed."""
    if suite.needs_docker and engine is not None:
        select([engine], [], [])
    environment = {**os.environ, "COVERAGE_FILE": str(RESULTS / f"coverage.{suite.name}")}
    if suite.name in SHARING:
        environment |= server
    began = time.monotonic()
    with (RESULTS / f"{suite.name}.log").open("w+") as log:
        with _printing:
            print(f"{suite.name}: started", flush=True)
        process = subprocess.Popen(
            command(suite, options), cwd=PROJECT, env=environment, stdout=log, stderr=log
        )
        _, ended, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(ended)
        log.seek(0)
        with _printing:
            print(
                f"\n===== {suite.name}: exit status {process.returncode} after {time.monotonic() - began:.0f} s,"
                f" {used.ru_utime + used.ru_stime:.0f} s of the processor"
            )
            shutil.copyfileobj(log, sys.stdout)
            sys.stdout.flush()
    return process.returncode == 0


def print_slowest() -> None:
    """List the tests that took longest, set-up and clean-up included."""
    taken = [
        (float(case.get("time", 0)), f"{case.get('classname')}::{case.get('name')}")
        for file in RESULTS.glob("*.xml")
        for case in ElementTree.parse(file).iter("testcase")
    ]
    print(f"\n===== The {min(SLOWEST, len(taken))} slowest of {len(taken)} tests, in seconds")
    for seconds, name in sorted(taken, reverse=True)[:SLOWEST]:
        print(f"{seconds:7.1f}  {name[:150]}")


def print_coverage() -> None:
    """Say how much of each package's lines ran."""
    coverage = [f"{PROJECT}/.venv/spark/bin/python", "-m", "coverage"]
    data = f"--data-file={RESULTS / 'coverage'}"
    files = sorted(str(path) for path in RESULTS.glob("coverage.*"))
    if not files:
        return
    subprocess.run([*coverage, "combine", "--quiet", data, *files], cwd=PROJECT, check=True)
    print("\n===== Lines that ran, per cent")
    for package in MEASURED.split(","):
        report = [*coverage, "report", data, f"--include={package}/*", "--format=total"]
        total = subprocess.run(
            report, cwd=PROJECT, capture_output=True, text=True, check=False
        ).stdout.strip()
        print(f"{total or '-':>4}  {package}/")


def main() -> int:
    """Run what the arguments name; 0 when all of it passed."""
    parser = argparse.ArgumentParser(prog="python3 tests/run.py", description="Run the tests.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--fast", action="store_true", help="only what needs no Spark server and no stack")
    what.add_argument("--part", choices=PARTS, help="a third of all, for a machine of its own")
    what.add_argument("--only", metavar="PATH", help="a file or folder of tests/, or file.py::test")
    parser.add_argument("--engine", type=int, metavar="PID", help="a process at whose end there is Docker")
    parser.add_argument("--random", type=int, metavar="SEED", help="in random order; the seed is printed")
    parser.add_argument("--coverage", action="store_true", help="say how much of each package's lines ran")
    options = parser.parse_args()
    suites: Iterable[Suite] = SUITES
    if options.fast:
        suites = FAST
    elif options.part:
        suites = PARTS[options.part]
    elif options.only is not None:
        suites = suites_of(options.only)
    for suite in suites:
        if not (PROJECT / ".venv" / suite.environment).is_dir():
            raise SystemExit(f"error: there is no .venv/{suite.environment}; run `make setup`")
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir()
    # Of a few tests nobody waits long, and they are easier to follow one suite after the other.
    at_once = AT_ONCE if options.only is None else 1
    engine = opened(options.engine)
    with shared_server(suites) as server, ThreadPoolExecutor(at_once) as pool:
        passed = list(pool.map(lambda suite: run(suite, options, server, engine), suites))
    print_slowest()
    if options.coverage:
        print_coverage()
    print("passed" if all(passed) else "failed: see the output above, or .test-results/")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
