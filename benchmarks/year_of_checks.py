"""What the checks of a night cost once a year of nights has left its results and pages, beside what they cost at first.

    .venv/spark/bin/python benchmarks/year_of_checks.py
        --nights 365      how many other runs have left as much as this one
        --rounds 3        how often each is measured, in turn

A small night is run by hand on a server and lake of its own. Its validation results, pages and run results are then put
beside themselves under other runs' names. Printed are seconds by the clock and processor seconds of the three checks
(server and jobs), medians, and the ratios.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from commits import STEPS, Figures, Side
from server import Server, running

ROOT = Path(__file__).resolve().parents[1]
RUN = "this-night"
TABLES = "readings,sensor_hourly"
# From generate to gold.
BEFORE_CHECKS = [step for step in STEPS if not step.startswith("check_")][:-2]
LAYERS = ("bronze", "silver", "gold")
# What grows with each run, in the lake; in each the folders of runs are named after them.
GROWING = (
    "great_expectations/uncommitted/validations",
    "data-docs/expectations/validations",
    "data-docs/runs",
)


def job(side: Side, server: Server, stage: str, *options: str) -> Figures:
    """Run a job of the small night; what it took."""
    argv = ["--night=2024-03-05", f"--run-id={RUN}", f"--tables={TABLES}", *options]
    argv += ["--scale=0.02"] if stage == "generate" else []
    return side.job(server, stage, *argv)


def checks(side: Side, server: Server) -> tuple[float, float]:
    """Run the three checks; seconds by the clock, and of the processor."""
    figures = [job(side, server, "check", f"--layer={layer}") for layer in LAYERS]
    return sum(each["seconds"] for each in figures), sum(each["cpu"] for each in figures)


def multiply(folder: Path, times: int) -> int:
    """Put what a run has left in a folder beside it, as other runs'; how many files that makes."""
    for of_run in [each for each in folder.rglob(RUN) if each.is_dir()]:
        for number in range(times):
            shutil.copytree(of_run, of_run.with_name(f"night-{number:05}"))
    return sum(each.is_file() for each in folder.rglob("*"))


def swap(lake: Path, aside: Path) -> None:
    """Put what a year has left in the place of what one night has, or the other way round."""
    for name in GROWING:
        (lake / name).rename(aside / "meanwhile")
        (aside / name).rename(lake / name)
        (aside / "meanwhile").rename(aside / name)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {"one night": [], "a year": []}
    with tempfile.TemporaryDirectory() as temporary:
        lake, aside = Path(temporary) / "lake", Path(temporary) / "aside"
        side = Side("", ROOT, lake)
        with running(ROOT, lake) as server:
            for stage in BEFORE_CHECKS:
                job(side, server, stage)
            for _ in range(2):  # warm
                checks(side, server)
            for name in GROWING:
                shutil.copytree(lake / name, aside / name)
            files = sum(multiply(aside / name, options.nights) for name in GROWING)
            for _ in range(options.rounds):
                for which in found:
                    found[which].append(checks(side, server))
                    swap(lake, aside)
    print(f"{options.nights} nights more have left {files:,} files. The three checks of a night, medians:\n")
    print("| | seconds | processor seconds |\n|---|---|---|")
    medians = {
        which: [statistics.median(column) for column in zip(*of_which, strict=True)]
        for which, of_which in found.items()
    }
    for which, (seconds, processor) in medians.items():
        print(f"| {which} | {seconds:.1f} | {processor:.1f} |")
    ratios = [after / before for before, after in zip(*medians.values(), strict=True)]
    print(f"| ratio | {ratios[0]:.2f} | {ratios[1]:.2f} |")


if __name__ == "__main__":
    main()
