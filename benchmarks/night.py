"""How long a night takes and how much memory, with Airflow's share apart from Spark's.

    python3 benchmarks/night.py [--scale 1]        after `make setup`; prints a Markdown table

In one run, on a stack and lake of its own: a first night on cold processes, a second one (warm), and a third
without Airflow, its stages one after the other by hand: the peer. The ratio of the last two is what
orchestration costs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from embedded.config import read_config  # noqa: E402
from embedded.night import STAGES, Night, Run  # noqa: E402
from embedded.stack import DAG, Stack  # noqa: E402

COLD, WARM, BARE = "2024-03-05", "2024-03-06", "2024-03-07"


class PeakMemory(threading.Thread):
    """Samples the memory of every process that has a marker in its environment; `peak` is in MiB (PSS)."""

    def __init__(self, marker: str) -> None:
        super().__init__(daemon=True)
        self.marker, self.peak, self.over = marker.encode(), 0.0, threading.Event()

    def run(self) -> None:
        """Sample until told that it is over."""
        while not self.over.wait(1):
            self.peak = max(self.peak, sum(self._pss(process) for process in Path("/proc").glob("[0-9]*")))

    def _pss(self, process: Path) -> float:
        try:
            if self.marker not in (process / "environ").read_bytes():
                return 0.0
            lines = (process / "smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended meanwhile
            return 0.0
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def airflow_night(stack: Stack, night: str, scale: float) -> tuple[float, dict[str, float]]:
    """Run a night through Airflow; its seconds by Airflow's clock, and those of each task."""
    run = Run(stack, Night(night, scale, 42, []))
    run.trigger()
    run.follow()
    path = f"/dags/{DAG}/dagRuns/{run.id}"
    found = stack.api.get(path) or {}
    tasks = (stack.api.get(f"{path}/taskInstances") or {})["task_instances"]
    return found["duration"], {task["task_id"]: task["duration"] for task in tasks}


def bare_night(night: str, scale: float) -> dict[str, float]:
    """Run a night stage by stage without Airflow; seconds of each."""
    took = {}
    for step in STAGES:
        stage, _, layer = step.partition("_")
        argv = [stage, "--night", night, "--run-id", "bare", *(["--layer", layer] if layer else [])]
        argv += ["--scale", str(scale)] if stage == "generate" else []
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "embedded", "job", *argv], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
        took[step] = time.monotonic() - started
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0)
    scale = parser.parse_args().scale
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"LAKEHOUSE_RUN_DIR": f"{folder}/run", "LAKEHOUSE_HOME": f"{folder}/lake"}
        os.environ |= {"AIRFLOW_PORT": "18080", "SPARK_CONNECT_PORT": "18002"}
        memory = PeakMemory(folder)
        memory.start()
        stack = Stack(read_config())
        started = time.monotonic()
        try:
            stack.up()
            up = time.monotonic() - started
            cold, warm = (airflow_night(stack, night, scale) for night in (COLD, WARM))
            bare = bare_night(BARE, scale)
        finally:
            stack.down()
        memory.over.set()
    print(f"\nScale {scale:g}, {os.cpu_count()} cores. Stack up after {up:.0f} s. Seconds:\n")
    print("| stage | first night | warm night | warm, without Airflow | ratio |\n|---|---|---|---|---|")
    for step in STAGES:
        ratio = warm[1][step] / bare[step]
        print(f"| {step} | {cold[1][step]:.1f} | {warm[1][step]:.1f} | {bare[step]:.1f} | {ratio:.2f} |")
    total = sum(bare.values())
    print(
        f"| **night, by the clock** | {cold[0]:.0f} | {warm[0]:.0f} | {total:.0f} | {warm[0] / total:.2f} |"
    )
    print(f"\nPeak memory of all processes together: {memory.peak:,.0f} MiB (proportional set size).")


if __name__ == "__main__":
    main()
