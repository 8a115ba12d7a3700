"""Running one stage of a night, and what is kept of it: a row a table in `ops.job_runs`, a note for the UI."""

import importlib
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from catalog.tables import TABLES
from jobs import schema, session, store
from jobs.results import ContractBroken, JobError, TableResult, UsageError, write_atomically
from jobs.settings import Settings

log = logging.getLogger("jobs")

_Told = tuple[str | None, int | None, str, dict[str, object]]  # table, rows, status, detail


@dataclass
class Outcome:
    """What came of a stage."""

    results: list[TableResult] = field(default_factory=list)
    status: str = "done"
    message: str = ""
    code: int = 0

    @classmethod
    def of(cls, error: Exception) -> "Outcome":
        """The outcome of a stage that raised."""
        if isinstance(error, ContractBroken):
            return cls(error.results, "refused", str(error), 3)
        return cls([], "failed", _in_words(error), 2 if isinstance(error, UsageError) else 1)


def _in_words(error: Exception) -> str:
    if isinstance(error, (JobError, UsageError)):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    said = (str(error).splitlines() or [""])[0][:500]
    return f"{type(error).__name__}: {said}{_behind(error, said)}"


def _behind(error: Exception, said: str) -> str:
    """What an error of Spark's comes from: the error itself may say no more than that a query failed."""
    stack = error.getStackTrace() if hasattr(error, "getStackTrace") else ""
    causes = re.findall(r"^Caused by: (?:[\w$]+\.)*(.+)", stack or "", re.MULTILINE)
    return f" (caused by {causes[-1][:300]})" if causes and causes[-1][:100] not in said else ""


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
        return _stage(settings)(spark, settings)
    except AnalysisException as error:
        if missing := store.missing(settings, error):
            raise missing from None
        raise


def _stage(settings: Settings) -> Callable[[SparkSession, Settings], list[TableResult]]:
    # Imported when used: Great Expectations alone takes seconds to import, and only `check` needs it.
    run: Callable[[SparkSession, Settings], list[TableResult]] = importlib.import_module(
        f"jobs.{settings.stage}"
    ).run
    return run


def _append_failure(spark: SparkSession, settings: Settings, outcome: Outcome, started: datetime) -> None:
    """Record that a stage failed or was refused; where that fails too, only the log says so."""
    if settings.stage == "verify" or not session.is_reachable():
        return
    try:
        _append(spark, settings, [(None, None, outcome.status, {"message": outcome.message})], started)
    except Exception as error:
        log.warning("ops.job_runs has no row about this: %s", _in_words(error))


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


def leave_note(settings: Settings, outcome: Outcome, started: datetime) -> None:
    """Leave the outcome where the Airflow UI and `make run` read it without Spark."""
    ended = datetime.now(UTC)
    note = {
        "stage": settings.step,
        "night": str(settings.night),
        "run_id": settings.run_id,
        "status": outcome.status,
        "exit": outcome.code,
        "message": outcome.message,
        "started_at": started.isoformat(),
        "ended_at": ended.isoformat(),
        "seconds": round((ended - started).total_seconds(), 1),
        "tables": [{"table": r.table, "rows": r.rows, "detail": r.detail} for r in outcome.results],
        "pages": sorted({page for r in outcome.results for page in r.pages}),
    }
    write_atomically(settings.run_folder / f"{settings.step}.json", json.dumps(note, indent=1))
