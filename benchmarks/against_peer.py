"""What a night costs beside DuckDB and delta-rs doing the same night with the same guarantees.

    python3 benchmarks/against_peer.py
        --rows 1000000    readings of a night
        --history 14      nights before, made in bulk
        --rounds 3        in each, both run the same new night; which is first alternates
        --documents       measure the reference documents' way, too, on all that has landed then
        --bulk            instead of nights, measure the history alone, whose files have landed already
        --json FILE       writes all figures

The project runs by hand, step by step, on its own Spark server, which is warm from a night before and idles while the
peer runs. No time counts unless both have the same accounts and the same gold, row by row: what differs is printed,
and the command ends with 1. Two Spark servers are never up at once. Set up and landing are not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from functools import partial
from operator import methodcaller
from pathlib import Path
from statistics import median

from commits import Side
from contenders import ROOT, Documents, Measured, Peer, Project, land
from server import running

FIRST = date(2024, 1, 1)  # on which the simulated fleet is installed
Round = dict[str, Measured]  # "project" and "peer"


class Differ(Exception):
    """The project and the peer made different things of the same files."""


@dataclass
class Result:
    """What was measured."""

    rounds: list[Round] = field(default_factory=list)
    documents: list[Measured] = field(default_factory=list)


def in_turn(number: int, project: Callable[[], Measured], peer: Callable[[], Measured]) -> Round:
    """Run both; the peer first in every second round."""
    runs = [("project", project), ("peer", peer)]
    return {name: run() for name, run in (runs if number % 2 == 0 else runs[::-1])}


def contenders(folder: Path) -> tuple[Project, Peer]:
    """Return the project and the peer, with lakes of their own in a folder."""
    return Project(Side("checkout", ROOT, folder / "project")), Peer(folder / "peer")


def require_equal(project: Project, peer: Peer, first: date, last: date) -> None:
    """Raise Differ unless both have the same accounts and gold of some nights."""
    if found := peer.differences(project.side.lake / "warehouse", first, last):
        raise Differ(found)


def measure_nights(folder: Path, given: argparse.Namespace) -> Result:
    """Measure a new night in each round, after the same history."""
    (project, peer), found = contenders(folder), Result()
    landing, last = project.landing, FIRST + timedelta(given.history - 1)
    if given.history:
        land(landing, FIRST, last, given.rows)
        with running(ROOT, project.side.lake) as server:
            project.bulk(server, FIRST, last)
        peer.nights(landing, FIRST, last)
        require_equal(project, peer, FIRST, last)
    # A new one, whose memory is that of nights and not of the history.
    with running(ROOT, project.side.lake) as server:
        for number in range(-1, given.rounds):
            night = last + timedelta(number + 2)
            land(landing, night, night, given.rows)
            of_project = partial(project.night, server, night)
            measured = in_turn(number, of_project, partial(peer.nights, landing, night, night))
            require_equal(project, peer, night, night)
            if number < 0:
                continue  # it warms the server
            found.rounds.append(measured)
            print(f"round {number + 1}: done, and equal: {measured}", file=sys.stderr)
    if given.documents:
        documents = Documents(folder / "documents")
        found.documents = [documents.night(landing, night) for _ in range(given.rounds)]
    return found


def measure_bulk(folder: Path, given: argparse.Namespace) -> Result:
    """Measure the history in each round, in new lakes and on a new server."""
    found, last, landed = Result(), FIRST + timedelta(given.history - 1), folder / "landing"
    land(landed, FIRST, last, given.rows)
    for number in range(given.rounds):
        project, peer = contenders(folder / str(number))
        project.side.lake.mkdir(parents=True)
        landed.rename(project.landing)
        of_peer = partial(peer.nights, project.landing, FIRST, last)
        found.rounds.append(in_turn(number, partial(_backfill, project, last), of_peer))
        require_equal(project, peer, FIRST, last)
        print(f"round {number + 1}: done, and equal: {found.rounds[-1]}", file=sys.stderr)
        project.landing.rename(landed)
        shutil.rmtree(folder / str(number))
    return found


def _backfill(project: Project, last: date) -> Measured:
    with running(ROOT, project.side.lake) as server:
        return project.bulk(server, FIRST, last)


def pairs(rounds: Iterable[Round], of: Callable[[Measured], float]) -> dict[str, list[float]]:
    """Return a figure of each round: of the project, of the peer, and how many times the peer's the project's is."""
    found = [(of(each["project"]), of(each["peer"])) for each in rounds]
    return {
        "project": [project for project, _ in found],
        "peer": [peer for _, peer in found],
        "ratio": [project / peer for project, peer in found],
    }


def spread(values: list[float]) -> dict[str, float]:
    """Return the middle of some values and both ends."""
    return {"median": median(values), "lowest": min(values), "highest": max(values)}


def summary(found: Result) -> dict[str, dict[str, dict[str, float]]]:
    """Return the spread of the main figures: figure -> project, peer or ratio -> median, lowest, highest."""
    main: dict[str, Callable[[Measured], float]] = {
        "seconds": methodcaller("figure", "seconds"),
        "cpu": methodcaller("figure", "cpu"),
        "memory": lambda measured: sum(measured.memory.values()),
    }
    return {
        name: {who: spread(values) for who, values in pairs(found.rounds, of).items()}
        for name, of in main.items()
    }


def print_table(found: Result) -> None:
    """Print medians, by step, of all contenders and of the project as a multiple of the peer."""
    names = ["project, s", "peer, s", "ratio", "project, cpu s", "peer, cpu s", "ratio"]
    names += ["documents' way, s", "documents' way, cpu s"] if found.documents else []
    print(f"| step | {' | '.join(names)} |\n|{'---|' * (1 + len(names))}")
    first = found.rounds[0]
    for step in (*[step for step in first["project"].steps if step in first["peer"].steps], ""):
        cells = []
        for name in ("seconds", "cpu"):
            of_all = pairs(found.rounds, methodcaller("figure", name, step))
            cells += [f"{median(of_all[who]):,.1f}" for who in of_all]
        for name in ("seconds", "cpu") if found.documents else ():
            has_step = not step or step in found.documents[0].steps
            cells.append(
                f"{median(each.figure(name, step) for each in found.documents):,.1f}" if has_step else ""
            )
        print(f"| {step or '**all**'} | {' | '.join(cells)} |")


def print_rest(found: Result) -> None:
    """Print what does not go by step: how far the rounds were apart, speed, memory."""
    ends = summary(found)
    for name in ("seconds", "cpu"):
        ratio = ends[name]["ratio"]
        rounds = f"{len(found.rounds)} rounds"
        print(f"\nratio of {name}: {ratio['lowest']:.1f} to {ratio['highest']:.1f} in {rounds}")
    lines = median(each["peer"].lines for each in found.rounds)
    for who in ("project", "peer"):
        seconds, cpu = (ends[name][who]["median"] for name in ("seconds", "cpu"))
        memory = ends["memory"][who]["highest"]
        rate = f"{lines / seconds:,.0f} lines/s, {1e6 * cpu / lines:,.1f} processor µs a line"
        print(f"\n{who}: {rate}, peak memory {memory:,.0f} MiB (PSS)")
    if found.documents:
        peak = median(sum(each.memory.values()) for each in found.documents)
        print(f"\ndocuments' way: peak memory {peak:,.0f} MiB (PSS)")


def about() -> dict[str, object]:
    """Return the machine, the versions and the commit that figures belong to."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    pins = [pin for group in ("spark", "peer") for pin in groups[group] if "==" in pin]
    asked = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    return {
        "commit": subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip(),
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20,
        "versions": [f"Python {platform.python_version()}", java.splitlines()[0], *pins],
        "on": date.today().isoformat(),
    }


def main() -> int:
    """Measure and print; 1 when the outputs differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--history", type=int, default=14)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--documents", action="store_true")
    parser.add_argument("--bulk", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.rounds < 1 or given.history < given.bulk or (given.bulk and given.documents):
        parser.error("there is nothing to measure")
    subprocess.run(["make", "-j3", "setup", ".venv/peer/.stamp"], cwd=ROOT, check=True, stdout=sys.stderr)
    measured_on = about()
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = (measure_bulk if given.bulk else measure_nights)(Path(folder), given)
        except Differ as error:
            print(f"the project and the peer differ, so no time counts:\n{error}", file=sys.stderr)
            return 1
    print_table(found)
    print_rest(found)
    if given.json:
        options = {name: value for name, value in vars(given).items() if name != "json"}
        figures = {**measured_on, "options": options, "summary": summary(found), **asdict(found)}
        given.json.write_text(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
