"""Retention of per-run pages."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from catalog.run_result import RunResult
from jobs.settings import Settings
from jobs.state import listed_validations, run_results

BEGINNING = datetime.min.replace(tzinfo=UTC)


def remove_old_pages(settings: Settings, before: datetime) -> list[str]:
    """Remove pages and run results of runs that ended before a moment; return the ids of these runs.

    A night's page stays, and so do all pages of the run that wrote it. The next check leaves what is gone out of the
    list of validations. Safe to repeat.
    """
    results = list(run_results.of_all_runs(settings))
    ended: dict[str, datetime] = {}
    for run, result in results:
        ended[run] = max(ended.get(run, BEGINNING), datetime.fromisoformat(result.ended_at))
    old = {run for run, moment in ended.items() if moment < before} - _of_nights(results)
    for run in sorted(old):
        for folder in _folders(settings, run):
            shutil.rmtree(folder, ignore_errors=True)
    listed_validations.forget(settings, old)
    return sorted(old)


def _of_nights(results: list[tuple[str, RunResult]]) -> set[str]:
    """Return the runs that wrote the nights' pages: of each night the last one with a report."""
    reports = sorted(
        (each for each in results if each[1].stage == "report"), key=lambda each: each[1].ended_at
    )
    return set({result.night: run for run, result in reports}.values())


def _folders(settings: Settings, run_id: str) -> Iterator[Path]:
    """Yield the folders of a run: validations first, its run results last, since they are how a run is found."""
    validations = settings.home / "great_expectations/uncommitted/validations"
    for root in (validations, settings.docs / "expectations/validations"):
        yield from root.glob(f"*/*/{run_id}")
    yield settings.docs / "runs" / run_id
