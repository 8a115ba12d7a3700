"""Running one stage of a night, and what is kept of it: a row a table in `ops.job_runs`, a note for the UI."""

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyspark.sql import SparkSession

from jobs import store
from jobs.results import ContractBroken, TableResult, UsageError, write_atomically
from jobs.settings import Settings
from jobs.tables import TABLES


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
        return cls([], "failed", str(error), 2 if isinstance(error, UsageError) else 1)


def run_stage(spark: SparkSession, settings: Settings) -> list[TableResult]:
    """Run the stage that the settings name and append its results to `ops.job_runs`."""
    started = datetime.now(UTC)
    results = _stage(settings)(spark, settings)
    if settings.stage != "verify":
        _append(spark, settings, results, started)
    return results


def _stage(settings: Settings) -> Callable[[SparkSession, Settings], list[TableResult]]:
    # Imported when used: Great Expectations alone takes seconds to import, and only `check` needs it.
    run: Callable[[SparkSession, Settings], list[TableResult]] = importlib.import_module(
        f"jobs.{settings.stage}"
    ).run
    return run


def _append(spark: SparkSession, settings: Settings, results: list[TableResult], started: datetime) -> None:
    ended = datetime.now(UTC)
    step, night = settings.step, settings.night
    rows = [
        (settings.run_id, night, step, r.table, r.rows, "done", json.dumps(r.detail), started, ended)
        for r in results
    ]
    store.ensure(spark, settings, ["ops.job_runs"])
    columns = TABLES["ops.job_runs"].columns
    if rows:
        store.append(settings, "ops.job_runs", spark.createDataFrame(rows, columns))


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
