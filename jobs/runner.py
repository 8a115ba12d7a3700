"""Running one stage, and the rows about it in `ops.job_runs`, one a table."""

import importlib
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from catalog.pipeline import STAGES
from catalog.tables import TABLES
from jobs import schema, session, store
from jobs.outcome import Outcome, TableResult, in_words
from jobs.settings import Settings

log = logging.getLogger("jobs")

Stage = Callable[[SparkSession, Settings], list[TableResult]]
_Told = tuple[str | None, int | None, str, dict[str, object]]  # table, rows, status, detail


def run_stage(spark: SparkSession, settings: Settings) -> list[TableResult]:
    """Run the stage that the settings name and append what came of it to `ops.job_runs`.

    Raises what the stage raises, but JobError for a table that an earlier stage should have made.
    """
    started = datetime.now(UTC)
    try:
        results = _run(spark, settings)
    except Exception as error:
        _append_failure(spark, settings, Outcome.of(error), started)
        raise
    if settings.stage != "verify":
        _append(spark, settings, [(r.table, r.rows, "done", r.detail) for r in results], started)
    return results


def _run(spark: SparkSession, settings: Settings) -> list[TableResult]:
    try:
        return stage(settings.stage)(spark, settings)
    except AnalysisException as error:
        if missing := store.missing(settings, error):
            raise missing from None
        raise


def stage(name: str) -> Stage:
    """The function that runs a stage. Imported when used: Great Expectations alone takes seconds."""
    run: Stage = importlib.import_module(STAGES[name].module).run
    return run


def _append_failure(spark: SparkSession, settings: Settings, outcome: Outcome, started: datetime) -> None:
    """Record that a stage failed or was refused; where that fails too, only the log says so."""
    if settings.stage == "verify" or not session.is_reachable():
        return
    try:
        _append(spark, settings, [(None, None, outcome.status, {"message": outcome.message})], started)
    except Exception as error:
        log.warning("ops.job_runs has no row about this: %s", in_words(error))


def _append(spark: SparkSession, settings: Settings, told: list[_Told], started: datetime) -> None:
    if not told:
        return
    run, ended = (settings.run_id, settings.night, settings.step), datetime.now(UTC)
    rows = [
        (*run, table, rows, status, json.dumps(detail), started, ended)
        for table, rows, status, detail in told
    ]
    schema.ensure(spark, settings, ["ops.job_runs"])
    store.append(settings, "ops.job_runs", spark.createDataFrame(rows, TABLES["ops.job_runs"].columns))
