"""What a night costs on a long history and on a short one, in turn in one run; and what each history cost in bulk.

    python3 benchmarks/longer_history.py
        --rows 1000000    readings of a night
        --nights 5 50     nights of the shorter history and of the longer one, which are made in bulk
        --rounds 3        in each, both have a new night of as many readings; which is first alternates
        --json FILE       writes all figures

Each history has a lake of its own. A server is new in each round and warmed by the night before the measured one, and
never do two run at once. Printed are lines a second and peak memory of both histories in bulk, and of the nights the
medians of seconds by the clock and of the processor (server and jobs), with the peak memory. Landing is not measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from statistics import median

from against_peer import FIRST, about
from commits import Side
from contenders import ROOT, STEPS, Measured, Project, land
from server import running

Nights = dict[int, list[Measured]]
"""Nights of history -> the measured nights after it."""


def in_bulk(project: Project, nights: int, rows: int) -> Measured:
    """Land the nights of a history and run them in bulk, on a server of their own."""
    last = FIRST + timedelta(nights - 1)
    land(project.landing, FIRST, last, rows)
    with running(ROOT, project.side.lake) as server:
        return project.bulk(server, FIRST, last)


def measured_night(project: Project, first: int, rows: int) -> Measured:
    """Run two nights on a new server, of which the first warms it; what the second took."""
    warming, measured = (FIRST + timedelta(each) for each in (first, first + 1))
    with running(ROOT, project.side.lake) as server:
        land(project.landing, warming, warming, rows)
        project.night(server, warming)
        # Not before, or the night that warms the server would take its files in.
        land(project.landing, measured, measured, rows)
        return project.night(server, measured)


def measure(folder: Path, lengths: list[int], rounds: int, rows: int) -> tuple[dict[int, Measured], Nights]:
    """Make each history, then measure nights on them in turn."""
    projects = {each: Project(Side("checkout", ROOT, folder / str(each))) for each in lengths}
    bulk = {each: in_bulk(project, each, rows) for each, project in projects.items()}
    nights: Nights = {each: [] for each in lengths}
    for number in range(rounds):
        for each in lengths if number % 2 == 0 else lengths[::-1]:
            nights[each].append(measured_night(projects[each], each + 2 * number, rows))
        print(f"round {number + 1}: done", file=sys.stderr)
    return bulk, nights


def print_bulk(bulk: dict[int, Measured], rows: int) -> None:
    """Print what the histories cost."""
    for nights, took in bulk.items():
        seconds, cpu = (took.figure(name) for name in ("seconds", "cpu"))
        rate = (
            f"{nights * rows / seconds:,.0f} readings/s, {1e6 * cpu / (nights * rows):,.1f} processor µs each"
        )
        print(f"{nights} nights in bulk: {rate}, peak memory {sum(took.memory.values()):,} MiB (PSS)\n")


def print_nights(nights: Nights) -> None:
    """Print the medians by step, and the longer history's as a multiple of the shorter one's."""
    names = [f"after {each} nights, {unit}" for unit in ("s", "processor s") for each in nights]
    print(f"| step | {' | '.join(names)} | ratio of s | ratio of processor s |\n|{'---|' * (3 + len(names))}")
    for step in (*STEPS, ""):
        of = {
            name: [median(night.figure(name, step) for night in measured) for measured in nights.values()]
            for name in ("seconds", "cpu")
        }
        cells = [f"{value:.1f}" for values in of.values() for value in values]
        ratios = [f"{values[-1] / values[0]:.2f}" for values in of.values()]
        print(f"| {step or '**all**'} | {' | '.join((*cells, *ratios))} |")
    for each, measured in nights.items():
        peaks: Iterable[int] = (sum(night.memory.values()) for night in measured)
        print(f"\nafter {each} nights: peak memory {max(peaks):,} MiB (PSS)")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--nights", type=int, nargs=2, default=[5, 50])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.rounds < 1 or given.nights[0] < 1 or given.nights[1] <= given.nights[0]:
        parser.error("--nights takes a shorter and a longer history, --rounds one or more")
    subprocess.run(["make", "-j3", "setup", ".venv/peer/.stamp"], cwd=ROOT, check=True, stdout=sys.stderr)
    measured_on = about()
    with tempfile.TemporaryDirectory() as folder:
        bulk, nights = measure(Path(folder), given.nights, given.rounds, given.rows)
    print_bulk(bulk, given.rows)
    print_nights(nights)
    if given.json:
        figures = {
            **measured_on,
            "options": {name: value for name, value in vars(given).items() if name != "json"},
            "bulk": {each: asdict(took) for each, took in bulk.items()},
            "nights": {each: [asdict(night) for night in measured] for each, measured in nights.items()},
        }
        given.json.write_text(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
