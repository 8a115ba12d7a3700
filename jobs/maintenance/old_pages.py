"""Pages of runs long past: which may go, and their going."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from catalog.run_result import RunResult
from jobs.settings import Settings
from jobs.state import run_results

BEGINNING = datetime.min.replace(tzinfo=UTC)


def remove_old_pages(settings: Settings, before: datetime) -> list[str]:
    """Remove pages and results of the runs that ended before a moment; give their ids.

    A night's page stays, and with it all pages of the run that it is about. The list of validations loses the
    removed ones when the next check writes it anew. Safe to repeat.
    """
    results = list(run_results.of_all_runs(settings))
    ended: dict[str, datetime] = {}
    for run, result in results:
        ended[run] = max(ended.get(run, BEGINNING), datetime.fromisoformat(result.ended_at))
    old = {run for run, moment in ended.items() if moment < before} - _of_nights(results)
    for run in sorted(old):
        for folder in _folders(settings, run):
            shutil.rmtree(folder, ignore_errors=True)
    return sorted(old)


def _of_nights(results: list[tuple[str, RunResult]]) -> set[str]:
    """The runs that wrote the nights' pages: of each night the last that reported."""
    reports = sorted(
        (each for each in results if each[1].stage == "report"), key=lambda each: each[1].ended_at
    )
    return set({result.night: run for run, result in reports}.values())


def _folders(settings: Settings, run_id: str) -> Iterator[Path]:
    """What is kept of a run: results by layer and table first, its run results last, which say that it is there."""
    results = settings.home / "great_expectations/uncommitted/validations"
    for root in (results, settings.docs / "expectations/validations"):
        yield from root.glob(f"*/*/{run_id}")
    yield settings.docs / "runs" / run_id
