"""Those who are measured on the same landed files: the project, its peer, and the reference documents' way."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from commits import STEPS as OF_A_NIGHT
from commits import Figures, Side, total
from memory import peak_memory
from server import Server

ROOT = Path(__file__).resolve().parents[1]
SPARK_PYTHON, PEER_PYTHON = ROOT / ".venv/spark/bin/python", ROOT / ".venv/peer/bin/python"
# What the peer does, too: these bring the feed of changes of devices, and five gold tables.
TABLES = "--tables=readings,devices,events"
STEPS = OF_A_NIGHT[1:-1]  # from bronze to publish


@dataclass(frozen=True)
class Measured:
    """What a night, or several in bulk, took."""

    steps: dict[str, Figures]
    """Step -> `seconds` by the clock, `cpu` seconds of the processor, and of the project what its server did."""

    memory: dict[str, int]
    """Server and jobs when all had most together, in MiB (PSS)."""

    lines: int = 0
    """Landed lines that it accounts for; 0 where nothing does."""

    def figure(self, name: str, step: str = "") -> float:
        """Return a figure of a step, by default of all together."""
        return (self.steps[step] if step else total(self.steps.values()))[name]


@dataclass(frozen=True)
class Project:
    """The project's jobs by hand, one process a step, on a server that is up."""

    side: Side

    @property
    def landing(self) -> Path:
        """Where files land, for all contenders."""
        return self.side.lake / "landing"

    def night(self, server: Server, night: date) -> Measured:
        """Run a night from landed files to published gold."""
        steps = {}
        with peak_memory(str(self.side.lake)) as memory:
            for step in STEPS:
                stage, _, layer = step.partition("_")
                argv = [stage, f"--night={night}", f"--run-id=night-{night}", TABLES]
                steps[step] = self.side.job(server, *argv, *([f"--layer={layer}"] if layer else []))
        return Measured(steps, dict(memory.peak))

    def bulk(self, server: Server, first: date, last: date) -> Measured:
        """Run nights in bulk, whose files have landed."""
        argv = ["backfill", f"--from={first}", f"--to={last}", "--run-id=bulk", TABLES]
        with peak_memory(str(self.side.lake)) as memory:
            steps = {"backfill": self.side.job(server, *argv)}
        return Measured(steps, dict(memory.peak))


@dataclass(frozen=True)
class Peer:
    """DuckDB and delta-rs in one process: `benchmarks/peer`."""

    lake: Path

    def nights(self, landing: Path, first: date, last: date) -> Measured:
        """Run nights one after the other; figures are those of all nights, without the start of the process."""
        with peak_memory(str(self.lake)) as memory:
            said = _peer("nights", landing, self.lake, first, last)
        nights = [json.loads(line) for line in said.stdout.splitlines()]
        # The project's nights here have no report either.
        names = [step for step in nights[0]["steps"] if step != "report"]
        steps = {step: total(night["steps"][step] for night in nights) for step in names}
        lines = sum(account[0] for night in nights for account in night["accounts"].values())
        return Measured(steps, dict(memory.peak), lines)

    def differences(self, warehouse: Path, first: date, last: date) -> str:
        """Return what its nights and those of the project's warehouse differ in; empty if in nothing."""
        return _peer("compare", warehouse, self.lake, first, last, may_fail=True).stdout.strip()


@dataclass(frozen=True)
class Documents:
    """The reference documents' way: `benchmarks/documents_way.py`, a script and a session a layer."""

    lake: Path

    def night(self, landing: Path, night: date) -> Measured:
        """Make all tables anew from all that has landed."""
        steps = {}
        with peak_memory(str(self.lake)) as memory:
            for layer in ("bronze", "silver", "gold"):
                script = [SPARK_PYTHON, ROOT / "benchmarks/documents_way.py", layer]
                started, before = time.monotonic(), _cpu_of_children()
                _run([*script, landing, self.lake, night], {"BENCHMARK_LAKE": str(self.lake), "TZ": "UTC"})
                took = time.monotonic() - started
                steps[layer] = {"seconds": took, "cpu": _cpu_of_children() - before}
        return Measured(steps, dict(memory.peak))


def land(landing: Path, first: date, last: date, readings: int) -> None:
    """Land nights, as many readings each."""
    _run([PEER_PYTHON, ROOT / "benchmarks/landing.py", landing, first, last, readings], {})
    os.sync()  # or whoever runs first pays for it


def _peer(
    command: str, source: Path, lake: Path, first: date, last: date, *, may_fail: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a command of the peer. Raises RuntimeError when it fails, with what it said last."""
    done = subprocess.run(
        [PEER_PYTHON, "-m", "peer", command, source, lake, str(first), str(last)],
        cwd=ROOT / "benchmarks",
        env={**os.environ, "BENCHMARK_LAKE": str(lake)},
        capture_output=True,
        text=True,
        check=False,
    )
    is_answer = done.returncode == 0 or (may_fail and done.returncode == 1 and done.stdout.strip())
    if not is_answer:
        raise RuntimeError(f"the peer failed: {done.stderr[-2000:]}")
    return done


def _run(argv: Sequence[object], environment: Mapping[str, str]) -> None:
    own = {name: value for name, value in os.environ.items() if name != "SPARK_REMOTE"} | environment
    subprocess.run([*map(str, argv)], env=own, check=True, stdout=subprocess.DEVNULL)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
