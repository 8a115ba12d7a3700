"""Stage `backfill`: run a range of nights in bulk; tables and digests are the same as night by night."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from catalog.pipeline import STEPS, Step
from jobs.delta.lake import Lake
from jobs.errors import ContractBroken, JobError, UsageError
from jobs.gold.publish import sources_done
from jobs.lineage.emission import Emission
from jobs.outcome import Outcome, TableResult
from jobs.quality import arguments as check
from jobs.runner import run_stage
from jobs.silver import pending
from jobs.state import accounts, run_results

log = logging.getLogger("jobs")


def run(lake: Lake) -> list[TableResult]:
    """Run all stages for the nights from `settings.first` to `settings.night`, a month at a time.

    Each stage works on all nights of a month at once. A month that is already published is skipped, so that a retry
    continues where the last attempt ended, unless files have come since. Rows of a result: lines landed in that month.

    Raises what the failing stage raises; months before it are published.
    """
    results = []
    pages: tuple[str, ...]
    months = [_of_month(lake, month) for month in _months(lake.settings.nights)]
    done = [of_month for of_month in months if is_published(of_month)]
    pending_again = _arrived_since(lake) if done else set()
    for of_month in months:
        nights = of_month.settings.nights
        name = f"nights {nights[0]} to {nights[-1]}"
        if of_month in done and pending_again.isdisjoint(nights):
            log.info("%s are published already", name)
            pages = ()
        else:
            log.info("%s", name)
            pages = tuple(page for step in STEPS for page in _run_step(of_month, step))
        results.append(replace(_result(of_month, name), pages=pages))
    return results


def _of_month(lake: Lake, month: list[date]) -> Lake:
    run_id = f"{lake.settings.run_id}.{month[0]:%Y-%m}"
    return replace(lake, settings=replace(lake.settings, first=month[0], night=month[-1], run_id=run_id))


def _arrived_since(lake: Lake) -> set[date]:
    """The nights that are pending once bronze has taken in what lies there."""
    _run_step(lake, next(step for step in STEPS if step.stage == "bronze"))
    return {night for batch in pending.find(lake) for night in batch.nights}


def _months(nights: list[date]) -> Iterator[list[date]]:
    for _, month in groupby(nights, key=lambda night: (night.year, night.month)):
        yield list(month)


def _run_step(of_month: Lake, step: Step) -> list[str]:
    options = {"generate": of_month.settings.options, "check": check.Options(step.layer)}.get(step.stage)
    settings = replace(of_month.settings, stage=step.stage, options=options)
    started = datetime.now(UTC)
    lineage = Emission(settings, started)
    try:
        results = run_stage(replace(of_month, settings=settings))
    except (ContractBroken, JobError, UsageError) as error:
        run_results.write(settings, Outcome.of(error), started)
        lineage.end(Outcome.of(error))
        raise
    run_results.write(settings, Outcome(results), started)
    lineage.end(Outcome(results))
    log.info("%-14s %6.1f s", step.name, (datetime.now(UTC) - started) / timedelta(seconds=1))
    return [page for result in results for page in result.pages]


def is_published(lake: Lake) -> bool:
    """Whether each selected source is reconciled for each of the nights, and published where the selection can be.

    An account is published only once every gold table made from its source is. Where the selection leaves some of
    these out, its sources are only asked to be reconciled.
    """
    accounts.ensure(lake)
    nights, can_be = lake.settings.nights, set(sources_done(lake))
    wanted = {(source.name, night) for source in lake.settings.sources for night in nights}
    done = accounts.done(lake, nights)
    return all(each in done and (done[each] or each[0] not in can_be) for each in wanted)


def _result(lake: Lake, name: str) -> TableResult:
    landed = accounts.lines_landed(lake, lake.settings.nights)
    return TableResult(
        name, landed, {"nights": len(lake.settings.nights), "report": str(lake.settings.night)}
    )
