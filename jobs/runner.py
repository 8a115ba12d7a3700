"""Running one stage, and the rows about it in `ops.job_runs`, one a table."""

import importlib
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from pyspark.errors import AnalysisException

from catalog.pipeline import STAGES
from catalog.tables import TABLES
from jobs import session
from jobs.delta.lake import Lake
from jobs.outcome import Outcome, TableResult, in_words

log = logging.getLogger("jobs")

Stage = Callable[[Lake], list[TableResult]]
_Told = tuple[str | None, int | None, str, dict[str, object]]  # table, rows, status, detail


def run_stage(lake: Lake) -> list[TableResult]:
    """Run the stage that the settings name and append what came of it to `ops.job_runs`.

    Raises what the stage raises, but JobError for a table that an earlier stage should have made.
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


def stage(name: str) -> Stage:
    """The function that runs a stage. Imported when used: Great Expectations alone takes seconds."""
    run: Stage = importlib.import_module(STAGES[name].module).run
    return run


def _append_failure(lake: Lake, outcome: Outcome, started: datetime) -> None:
    """Record that a stage failed or was refused; where that fails too, only the log says so."""
    if lake.settings.stage == "verify" or not session.is_reachable():
        return
    try:
        _append(lake, [(None, None, outcome.status, {"message": outcome.message})], started)
    except Exception as error:
        log.warning("ops.job_runs has no row about this: %s", in_words(error))


def _append(lake: Lake, told: list[_Told], started: datetime) -> None:
    if not told:
        return
    run, ended = (lake.settings.run_id, lake.settings.night, lake.settings.step), datetime.now(UTC)
    rows = [
        (*run, table, rows, status, json.dumps(detail), started, ended)
        for table, rows, status, detail in told
    ]
    lake.ensure(["ops.job_runs"])
    lake.append("ops.job_runs", lake.spark.createDataFrame(rows, TABLES["ops.job_runs"].columns))
