"""What a night costs at two commits, side by side in one run, and whether both come to the same digests.

    python3 benchmarks/commits.py COMMIT [COMMIT]           the second is the checkout's own, HEAD, if left out
        --scale 1         how much data; 1 is about 200,000 rows of all sources, 100,000 of readings
        --tables T,T      only these sources and gold tables
        --history 14      nights before, made in bulk
        --rounds 3        in each, each commit has a cold night and a warm one; which is first alternates
        --json FILE       writes all figures

Each commit is cloned and set up in a temporary folder, and has a lake of its own with the same nights. Never do two
servers run at once. Printed are medians of the warm night and of the cold one: seconds by the clock and of the
processor (server and jobs), and what does not depend on the machine: SQL executions, Spark jobs, commits, rows read
and written. After the last round the second commit makes one gold table again by hand, and a night of one source;
printed is their share of a warm night of the first commit.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from server import Server, running

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from catalog.pipeline import STEP_NAMES as STEPS  # noqa: E402

FIRST = date(2024, 3, 5)
BY_HAND = ("gold", "check_gold", "publish")
ONE_TABLE, ONE_SOURCE = "sensor_hourly", "readings"
FIGURES = ("seconds", "cpu", "executions", "jobs", "commits", "rows read", "rows written")
DIGESTS = """
import json, os
from pyspark.sql import SparkSession
rows = SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).getOrCreate().table("ops.digests").collect()
print(json.dumps(sorted([row["table"], str(row["night"]), row["rows"], row["digest"]] for row in rows)))
"""

Figures = dict[str, float]


@dataclass(frozen=True)
class Side:
    """A commit, its checkout and its lake."""

    commit: str
    checkout: Path
    lake: Path

    @property
    def python(self) -> Path:
        """Python of the jobs."""
        return self.checkout / ".venv/spark/bin/python"

    def job(self, server: Server, *argv: str) -> Figures:
        """Run a job; what it took and did. Raises CalledProcessError when it fails."""
        commits, before = self._commits(), _cpu(server)
        started = time.monotonic()
        subprocess.run(
            [self.python, "-m", "jobs", *argv],
            cwd=self.checkout,
            env=server.environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        took = time.monotonic() - started
        # The server ends what it has begun after the job has its answer.
        work = server.work()
        return {
            "seconds": took,
            "cpu": _cpu(server) - before,
            **work,
            "commits": self._commits() - commits,
        }

    def night(self, server: Server, night: date, options: list[str]) -> dict[str, Figures]:
        """Run a night step by step; the figures of each."""
        return self.steps(server, STEPS, night, str(night), options)

    def steps(
        self, server: Server, steps: Iterable[str], night: date, run: str, options: list[str]
    ) -> dict[str, Figures]:
        """Run some steps of a night; the figures of each."""
        found = {}
        for step in steps:
            stage, _, layer = step.partition("_")
            argv = [stage, f"--night={night}", f"--run-id={run}", *_of_stage(options, stage)]
            found[step] = self.job(server, *argv, *([f"--layer={layer}"] if layer else []))
        return found

    def in_bulk(self, server: Server, nights: int, options: list[str]) -> Figures:
        """Run the nights before the first."""
        asked = [self.python, "-m", "jobs", "backfill", "--help"]
        has = subprocess.run(asked, cwd=self.checkout, capture_output=True, check=False).returncode == 0
        stage = "backfill" if has else "history"  # the name of earlier versions
        days = [f"--from={FIRST - timedelta(nights)}", f"--to={FIRST - timedelta(1)}"]
        return self.job(server, stage, *days, "--run-id=bulk", *options)

    def digests(self, server: Server) -> list[list[object]]:
        """What the lake has recorded of its slices."""
        asked = [self.python, "-c", DIGESTS]
        said = subprocess.run(asked, env=server.environment, capture_output=True, check=True, text=True)
        return list(json.loads(said.stdout))

    def _commits(self) -> int:
        return sum(1 for _ in self.lake.glob("warehouse/*/*/_delta_log/*.json"))


def _cpu(server: Server) -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return server.cpu + children.ru_utime + children.ru_stime


def _of_stage(options: list[str], stage: str) -> list[str]:
    """Without those that only the simulator knows, unless it is that."""
    return [each for each in options if stage == "generate" or not each.startswith("--scale")]


def _resolved(commit: str) -> str:
    """Return the full hash of a commit; empty if there is none."""
    asked = ["git", "-C", str(ROOT), "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()


def set_up(commit: str, folder: Path) -> Side:
    """Clone a commit and make its environments; packages may be in the machine's caches."""
    checkout = folder / "checkout"
    subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True)
    subprocess.run(["git", "-C", checkout, "checkout", "--quiet", commit], check=True)
    subprocess.run(["make", "-j3", "setup"], cwd=checkout, check=True, stdout=subprocess.DEVNULL)
    return Side(commit, checkout, folder / "lake")


def total(steps: Iterable[Mapping[str, float]]) -> Figures:
    """The figures of several steps together."""
    found: Counter[str] = Counter()
    for step in steps:
        found.update(step)
    return dict(found)


def print_table(sides: list[Side], nights: Mapping[str, list[dict[str, Figures]]]) -> None:
    """Print the medians of some nights, by step and figure, of each commit and as a ratio."""
    names = " | ".join(f"{figure} {side.commit[:8]}" for figure in FIGURES[:2] for side in sides)
    print(f"| step | {names} | ratio | {' | '.join(FIGURES[2:])} |")
    print(f"|{'---|' * (2 + 2 * len(sides) + len(FIGURES[2:]))}")
    for step in (*STEPS, "night"):
        mid = {
            side.commit: {
                figure: median(
                    (total(night.values()) if step == "night" else night[step]).get(figure, 0)
                    for night in nights[side.commit]
                )
                for figure in FIGURES
            }
            for side in sides
        }
        a, b = (mid[side.commit] for side in sides)
        times = " | ".join(f"{each[figure]:.1f}" for figure in FIGURES[:2] for each in (a, b))
        ratios = f"{b['seconds'] / a['seconds']:.2f}, {b['cpu'] / a['cpu']:.2f}"
        counts = " | ".join(f"{a[figure]:,.0f} → {b[figure]:,.0f}" for figure in FIGURES[2:])
        print(f"| {step} | {times} | {ratios} | {counts} |")


def by_hand(side: Side, night: date, options: list[str]) -> dict[str, Figures]:
    """Run one table of a night again, and the next night of one source, on a server that a night has warmed."""
    of_table, of_source = ([*options[:1], f"--tables={name}"] for name in (ONE_TABLE, ONE_SOURCE))
    with running(side.checkout, side.lake) as server:
        side.night(server, night + timedelta(1), options)
        again = side.steps(server, BY_HAND, night + timedelta(1), "again", of_table)
        alone = side.night(server, night + timedelta(2), of_source)
    return {ONE_TABLE: total(again.values()), ONE_SOURCE: total(alone.values())}


def print_by_hand(found: Mapping[str, Figures], warm: Iterable[dict[str, Figures]]) -> None:
    """Print what one table and one source take, and their share of the medians of warm nights of all."""
    nights = [total(night.values()) for night in warm]
    for name, took in found.items():
        said = ", ".join(
            f"{took[figure]:.1f} {unit} ({took[figure] / median(night[figure] for night in nights):.2f})"
            for figure, unit in (("seconds", "s"), ("cpu", "processor s"))
        )
        print(f"- {name}: {said}")


def print_differing(digests: list[list[list[object]]]) -> list[str]:
    """Print of which tables the digests of both commits differ, and return these."""
    one, other = (set(map(tuple, each)) for each in digests)
    differing = sorted({str(table) for table, *_ in one ^ other})
    said = f"different of {', '.join(differing)}" if differing else "all equal"
    print(f"\ndigests of {len(one):,} slices: {said}", flush=True)
    return differing


def keep(file: Path | None, figures: Mapping[str, object]) -> None:
    """Write figures to a file, if one is wanted."""
    if file:
        file.write_text(json.dumps(figures, indent=1))


def main() -> int:
    """Measure and print; 1 when the digests differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commits", nargs="+", metavar="COMMIT")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--tables", default="")
    parser.add_argument("--history", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    commits = [*given.commits, "HEAD"][:2]
    resolved = [_resolved(each) or parser.error(f"there is no commit {each} here") for each in commits]
    if resolved[0] == resolved[1]:
        parser.error("both are the same commit")
    options = [f"--scale={given.scale}", *([f"--tables={given.tables}"] if given.tables else [])]
    with tempfile.TemporaryDirectory() as folder:
        sides = [set_up(commit, Path(folder) / name) for name, commit in zip("ab", resolved, strict=True)]
        cold: dict[str, list[dict[str, Figures]]] = {side.commit: [] for side in sides}
        warm: dict[str, list[dict[str, Figures]]] = {side.commit: [] for side in sides}
        bulk, digests = {}, {}
        for number in range(given.rounds):
            for side in sides if number % 2 == 0 else sides[::-1]:
                if number == 0 and given.history:
                    with running(side.checkout, side.lake) as server:
                        bulk[side.commit] = side.in_bulk(server, given.history, options)
                days = [FIRST + timedelta(2 * number + each) for each in (0, 1)]
                with running(side.checkout, side.lake) as server:
                    cold[side.commit].append(side.night(server, days[0], options))
                    warm[side.commit].append(side.night(server, days[1], options))
                    digests[side.commit] = side.digests(server)
                print(f"round {number + 1}, {side.commit[:8]}: done", file=sys.stderr)
        print(f"Warm night, scale {given.scale:g}, {os.cpu_count()} cores, medians of {given.rounds}:\n")
        print_table(sides, warm)
        print("\nFirst night on a fresh server:\n")
        print_table(sides, cold)
        differing = print_differing([digests[side.commit] for side in sides])
        figures = {
            "machine": platform.platform(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "commits": resolved,
            "options": options,
            "bulk": bulk,
            "cold": cold,
            "warm": warm,
            "differing": differing,
        }
        # Before what comes next, which may fail: hours may have gone into these.
        keep(given.json, figures)
        again = by_hand(sides[1], days[1], options)
        print(f"\nBy hand at {resolved[1][:8]}, and the share of a warm night of {resolved[0][:8]}:\n")
        print_by_hand(again, warm[resolved[0]])
        keep(given.json, figures | {"again": again})
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
