"""Run one stage, and keep in `ops.job_runs` what came of it, one row per table.

With a commit for each step that table would have more of them than any other. So the steps of a night leave their run
results, and the report appends what all of them say, in one commit. What fails is appended at once.
"""

import json
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from importlib import import_module
from typing import Any

from pyspark.errors import AnalysisException

from catalog.pipeline import STAGES, STEP_NAMES
from catalog.run_result import RunResult
from catalog.tables import TABLES
from jobs import session
from jobs.delta.lake import Lake
from jobs.outcome import Outcome, TableResult, in_words
from jobs.settings import Settings
from jobs.state import run_results

log = logging.getLogger("jobs")

Stage = Callable[[Lake], list[TableResult]]
JOB_RUNS = TABLES["ops.job_runs"]
*BEFORE_REPORT, REPORT = STEP_NAMES


def run_stage(lake: Lake) -> list[TableResult]:
    """Run the stage of the settings; unless a report will, append its outcome to `ops.job_runs`.

    Raises what the stage raises; JobError for a table that an earlier stage should have created.
    """
    started = datetime.now(UTC)
    lake.sign_commits()
    try:
        results = _run(lake)
    except Exception as error:
        _append_failure(lake, Outcome.of(error), started)
        raise
    if lake.settings.step not in (*BEFORE_REPORT, "verify"):
        steps = run_results.unreported(lake.settings) if lake.settings.step == REPORT else []
        own = run_results.of(lake.settings, Outcome(results), started)
        _append(lake, [row for result in (*steps, own) for row in _rows(result)])
    return results


def _run(lake: Lake) -> list[TableResult]:
    try:
        return stage(lake.settings.stage)(lake)
    except AnalysisException as error:
        if missing := lake.missing(error):
            raise missing from None
        raise


def without_spark(settings: Settings) -> list[TableResult] | None:
    """Return the results of a stage that has nothing to do on Spark; None for one that has, and is to be run."""
    module = STAGES[settings.stage].without_spark
    results: list[TableResult] | None = import_module(module).without_spark(settings) if module else None
    return results


def stage(name: str) -> Stage:
    """Return the function that runs a stage; its module is imported now, since Great Expectations takes seconds."""
    run: Stage = import_module(STAGES[name].module).run
    return run


def _append_failure(lake: Lake, outcome: Outcome, started: datetime) -> None:
    """Append that a stage failed or was refused; if that fails too, log a warning."""
    if lake.settings.stage == "verify" or not session.is_reachable():
        return
    failed = run_results.of(lake.settings, outcome, started)
    try:
        _append(lake, [_row(failed, None, None, {"message": outcome.message})])
    except Exception as error:
        log.warning("%s has no row about this: %s", JOB_RUNS.full_name, in_words(error))


def _append(lake: Lake, rows: list[tuple[object, ...]]) -> None:
    if rows:
        lake.ensure([JOB_RUNS.full_name])
        lake.append(JOB_RUNS.full_name, lake.spark.createDataFrame(rows, JOB_RUNS.columns))


def _rows(result: RunResult) -> list[tuple[object, ...]]:
    """One for each table of a step that is done."""
    return [_row(result, each.table, each.rows, each.detail) for each in result.tables]


def _row(
    result: RunResult, table: str | None, rows: int | None, detail: dict[str, Any]
) -> tuple[object, ...]:
    moments = (datetime.fromisoformat(each) for each in (result.started_at, result.ended_at))
    of_run = (result.run_id, date.fromisoformat(result.night), result.stage)
    return (*of_run, table, rows, result.status, json.dumps(detail), *moments)
