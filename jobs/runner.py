"""Run one stage and append its rows to `ops.job_runs`, one per table."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module

from pyspark.errors import AnalysisException

from catalog.pipeline import STAGES
from catalog.tables import TABLES
from jobs import session
from jobs.delta.lake import Lake
from jobs.outcome import Outcome, TableResult, in_words
from jobs.settings import Settings

log = logging.getLogger("jobs")

Stage = Callable[[Lake], list[TableResult]]
_Row = tuple[str | None, int | None, str, dict[str, object]]  # table, rows, status, detail


def run_stage(lake: Lake) -> list[TableResult]:
    """Run the stage of the settings and append its outcome to `ops.job_runs`.

    Raises what the stage raises; JobError for a table that an earlier stage should have created.
    """
    started = datetime.now(UTC)
    lake.sign_commits()
    try:
        results = _run(lake)
    except Exception as error:
        _append_failure(lake, Outcome.of(error), started)
        raise
    if lake.settings.stage != "verify":
        _append(lake, [(r.table, r.rows, "done", r.detail) for r in results], started)
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
    try:
        _append(lake, [(None, None, outcome.status, {"message": outcome.message})], started)
    except Exception as error:
        log.warning("ops.job_runs has no row about this: %s", in_words(error))


def _append(lake: Lake, found: list[_Row], started: datetime) -> None:
    if not found:
        return
    run, ended = (lake.settings.run_id, lake.settings.night, lake.settings.step), datetime.now(UTC)
    rows = [
        (*run, table, rows, status, json.dumps(detail), started, ended)
        for table, rows, status, detail in found
    ]
    lake.ensure(["ops.job_runs"])
    lake.append("ops.job_runs", lake.spark.createDataFrame(rows, TABLES["ops.job_runs"].columns))
