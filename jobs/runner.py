"""Run one stage, and keep in `ops.job_runs` what came of it, one row per table.

With a commit for each step that table would have more of them than any other. So a step of a night that is done only
leaves its run result, and the report of its run appends what all of them say, in one commit; so does what fails before.
By hand nobody promises a report, and each step appends its own.
"""

import json
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib import import_module

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from catalog.pipeline import STAGES, STEP_NAMES
from catalog.run_result import DONE, RunResult
from catalog.tables import TABLES
from jobs import compiling, session
from jobs.delta.lake import Lake
from jobs.outcome import Outcome, TableResult, in_words
from jobs.settings import BY_HAND, Settings
from jobs.state import run_results

log = logging.getLogger("jobs")

Stage = Callable[[Lake], list[TableResult]]
JOB_RUNS = TABLES["ops.job_runs"]
BEFORE_REPORT = STEP_NAMES[:-1]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def run_stage(lake: Lake) -> list[TableResult]:
    """Run the stage of the settings; keep in `ops.job_runs` what came of it, unless the report of its run does.

    Raises what the stage raises; JobError for a table that an earlier stage should have created.
    """
    started = datetime.now(UTC)
    lake.sign_commits()
    try:
        results = _run(lake)
    except Exception as error:
        _append_failure(lake, run_results.of(lake.settings, Outcome.of(error), started))
        raise
    if lake.settings.run_id == BY_HAND or lake.settings.step not in BEFORE_REPORT:
        _append(lake, run_results.of(lake.settings, Outcome(results), started))
    return results


def _run(lake: Lake) -> list[TableResult]:
    try:
        with compiling.interpreted(lake, are_few=compiling.pays_to_interpret(lake.settings)):
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


def _append_failure(lake: Lake, failed: RunResult) -> None:
    """Append that a stage failed or was refused; if that fails too, log a warning."""
    if not session.is_reachable():
        return
    try:
        _append(lake, failed)
    except Exception as error:
        log.warning("%s has no row about this: %s", JOB_RUNS.full_name, in_words(error))


def _append(lake: Lake, result: RunResult) -> None:
    """Append what came of a stage, and what the steps of its run have done that is not there yet."""
    if result.stage == "verify":
        return
    lake.ensure([JOB_RUNS.full_name])
    results = [*_not_there_yet(lake), result]
    rows = [row for each in results for row in _rows(each)]
    if rows:
        lake.append(JOB_RUNS.full_name, lake.spark.createDataFrame(rows, JOB_RUNS.columns))


def _not_there_yet(lake: Lake) -> list[RunResult]:
    settings = lake.settings
    if settings.run_id == BY_HAND:
        return []
    done = [step for step in run_results.of_night(settings) if step.status == DONE]
    # Most runs append once, and need not look.
    if not done or run_results.begin_appending(settings):
        return done
    own = lake.read(JOB_RUNS.full_name).where(
        (F.col("run_id") == settings.run_id) & (F.col("status") == DONE)
    )
    there = {tuple(row) for row in own.select("stage", F.unix_micros("ended_at")).distinct().collect()}
    return [step for step in done if (step.stage, _micros(step.ended_at)) not in there]


def _micros(moment: str) -> int:
    return (datetime.fromisoformat(moment) - EPOCH) // timedelta(microseconds=1)


def _rows(result: RunResult) -> list[tuple[object, ...]]:
    """One for each table of what is done, else one with the message."""
    of_run = (result.run_id, date.fromisoformat(result.night), result.stage)
    moments = [datetime.fromisoformat(each) for each in (result.started_at, result.ended_at)]
    if result.status != DONE:
        return [(*of_run, None, None, result.status, json.dumps({"message": result.message}), *moments)]
    return [
        (*of_run, each.table, each.rows, result.status, json.dumps(each.detail), *moments)
        for each in result.tables
    ]
