"""How long a night takes and how much memory, with Airflow's share apart from Spark's.

    python3 benchmarks/night.py [--scale 1]        prints a Markdown table

In one run, on a stack and lake of its own: `make run` on a fresh clone of the latest commit (packages may be in
the machine's caches), a second night (warm), and a third without Airflow, its stages one after the other by
hand: the peer. The ratio of the last two is what orchestration costs. Then two minutes in which nothing is to do but to
answer what `make run` asks: the share of a core that the stack takes meanwhile.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from memory import PeakMemory, cpu_of

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from catalog.pipeline import STEP_NAMES  # noqa: E402
from embedded.config import read_config  # noqa: E402
from embedded.night import POLL_SECONDS, Night, Run  # noqa: E402
from embedded.stack import DAG, Stack  # noqa: E402

COLD, WARM, BARE = "2024-03-05", "2024-03-06", "2024-03-07"
IDLE_SECONDS = 120.0


Seconds = tuple[float, dict[str, float]]  # of a night and of each task


def airflow_night(stack: Stack, night: str, scale: float) -> Seconds:
    """Run a night through Airflow; its seconds by Airflow's clock."""
    run = Run(stack, Night(night, "", scale, 42, []))
    run.trigger()
    run.follow()
    return read_night(stack, night)


def read_night(stack: Stack, night: str) -> Seconds:
    """The seconds of a night that Airflow has run."""
    runs = (stack.api.get(f"/dags/{DAG}/dagRuns?order_by=-start_date") or {})["dag_runs"]
    found = next(run for run in runs if night in run["dag_run_id"])
    tasks = (stack.api.get(f"/dags/{DAG}/dagRuns/{found['dag_run_id']}/taskInstances") or {})[
        "task_instances"
    ]
    return found["duration"], {task["task_id"]: task["duration"] for task in tasks}


def bare_night(clone: Path, night: str, scale: float) -> dict[str, float]:
    """Run a night stage by stage without Airflow; seconds of each."""
    took = {}
    for step in STEP_NAMES:
        stage, _, layer = step.partition("_")
        argv = [stage, "--night", night, "--run-id", "bare", *(["--layer", layer] if layer else [])]
        argv += ["--scale", str(scale)] if stage == "generate" else []
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "embedded", "job", *argv], cwd=clone, check=True, stdout=subprocess.DEVNULL
        )
        took[step] = time.monotonic() - started
    return took


def first_make_run(clone: Path, scale: float) -> float:
    """`make run` on a fresh clone of the latest commit; its seconds."""
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    started = time.monotonic()
    subprocess.run(["make", "run", f"NIGHT={COLD}", f"SCALE={scale}"], cwd=clone, check=True)
    return time.monotonic() - started


def idle_share(stack: Stack, marker: str) -> dict[str, float]:
    """Return what Spark and Airflow take of a core while they have nothing to do but to answer a `make run`."""
    runs = f"/dags/{DAG}/dagRuns"
    run = f"{runs}/{stack.api.get(f'{runs}?limit=1')['dag_runs'][0]['dag_run_id']}"
    time.sleep(IDLE_SECONDS / 4)  # until what the last night began in the background is done
    before, started = cpu_of(marker), time.monotonic()
    while (took := time.monotonic() - started) < IDLE_SECONDS:
        stack.api.get(run)
        stack.api.get(f"{run}/taskInstances?limit=100")
        time.sleep(POLL_SECONDS)
    return {part: (cpu - before.get(part, 0.0)) / took for part, cpu in cpu_of(marker).items()}


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
        try:
            clone = Path(folder) / "clone"
            first = first_make_run(clone, scale)
            cold, peaks = read_night(stack, COLD), [memory.lap()]
            warm = airflow_night(stack, WARM, scale)
            peaks.append(memory.lap())
            bare = bare_night(clone, BARE, scale)
            peaks.append(memory.lap())
            idle = idle_share(stack, folder)
        finally:
            stack.down()
        memory.over.set()
    total = sum(bare.values())
    print(
        f"\nScale {scale:g}, {os.cpu_count()} cores. `make run` on a fresh clone: {first:.0f} s. Seconds:\n"
    )
    print("| | first night | warm night | warm, without Airflow | ratio |\n|---|---|---|---|---|")
    for step in STEP_NAMES:
        ratio = warm[1][step] / bare[step]
        print(f"| {step} | {cold[1][step]:.1f} | {warm[1][step]:.1f} | {bare[step]:.1f} | {ratio:.2f} |")
    print(
        f"| **night, by the clock** | {cold[0]:.0f} | {warm[0]:.0f} | {total:.0f} | {warm[0] / total:.2f} |"
    )
    between = [f"{found[0] - sum(found[1].values()):.0f}" for found in (cold, warm)]
    print(f"| of that, Airflow between the tasks | {' | '.join(between)} | | |")
    for part in ("Spark", "Airflow", "jobs"):
        print(f"| peak memory, {part} (MiB, PSS) | {' | '.join(f'{peak[part]:,}' for peak in peaks)} | |")
    print(f"| all together | {' | '.join(f'{peak.total():,}' for peak in peaks)} | |")
    shares = ", ".join(f"{part} {share:.1%}" for part, share in idle.items())
    print(f"\nIdle, asked by a `make run`, of one core: {sum(idle.values()):.1%} ({shares})")


if __name__ == "__main__":
    main()
