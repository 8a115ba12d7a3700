"""Stage `backfill`: run a range of nights in bulk; tables and digests are the same as night by night."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from catalog.pipeline import STEPS, Step
from jobs.delta.lake import Lake
from jobs.errors import ContractBroken, JobError, UsageError
from jobs.outcome import Outcome, TableResult
from jobs.quality import arguments as check
from jobs.runner import run_stage
from jobs.state import accounts, run_results

log = logging.getLogger("jobs")


def run(lake: Lake) -> list[TableResult]:
    """Run all stages for the nights from `settings.first` to `settings.night`, a month at a time.

    Each stage works on all nights of a month at once. A month that is already published is skipped, so that a retry
    continues where the last attempt ended. Rows of a result: lines landed in that month.

    Raises what the failing stage raises; months before it are published.
    """
    results = []
    pages: tuple[str, ...]
    for month in _months(lake.settings.nights):
        run_id = f"{lake.settings.run_id}.{month[0]:%Y-%m}"
        settings = replace(lake.settings, first=month[0], night=month[-1], run_id=run_id)
        of_month = replace(lake, settings=settings)
        name = f"nights {month[0]} to {month[-1]}"
        if is_published(of_month):
            log.info("%s are published already", name)
            pages = ()
        else:
            log.info("%s", name)
            pages = tuple(page for step in STEPS for page in _run_step(of_month, step))
        results.append(replace(_result(of_month, name), pages=pages))
    return results


def _months(nights: list[date]) -> Iterator[list[date]]:
    for _, month in groupby(nights, key=lambda night: (night.year, night.month)):
        yield list(month)


def _run_step(of_month: Lake, step: Step) -> list[str]:
    options = {"generate": of_month.settings.options, "check": check.Options(step.layer)}.get(step.stage)
    settings = replace(of_month.settings, stage=step.stage, options=options)
    started = datetime.now(UTC)
    try:
        results = run_stage(replace(of_month, settings=settings))
    except (ContractBroken, JobError, UsageError) as error:
        run_results.write(settings, Outcome.of(error), started)
        raise
    run_results.write(settings, Outcome(results), started)
    log.info("%-14s %6.1f s", step.name, (datetime.now(UTC) - started) / timedelta(seconds=1))
    return [page for result in results for page in result.pages]


def is_published(lake: Lake) -> bool:
    """Whether each selected source is reconciled and published for each of the nights.

    A source is published once every gold table built from it is, including tables that were not selected.
    """
    accounts.ensure(lake)
    wanted = {(source.name, night) for source in lake.settings.sources for night in lake.settings.nights}
    return wanted <= accounts.published(lake, lake.settings.nights)


def _result(lake: Lake, name: str) -> TableResult:
    landed = accounts.lines_landed(lake, lake.settings.nights)
    return TableResult(
        name, landed, {"nights": len(lake.settings.nights), "report": str(lake.settings.night)}
    )
