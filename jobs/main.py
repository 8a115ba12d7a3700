"""From arguments to an exit status: settings, session, stage, and a record of what came of it."""

import importlib
import json
import logging
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from pyspark.sql import SparkSession

from jobs import cli, session, store
from jobs.results import ContractBroken, JobError, TableResult, UsageError, write_atomically
from jobs.settings import Settings
from jobs.tables import TABLES

log = logging.getLogger("jobs")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage or the command that the arguments name and give its exit status."""
    given = sys.argv[1:] if argv is None else argv
    if given and given[0] in cli.COMMANDS:
        return _command(given)
    settings = cli.parse(given)
    # Libraries speak up from warnings on; Great Expectations would otherwise fill pages.
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    log.setLevel(logging.INFO)
    started = datetime.now(UTC)
    results: list[TableResult] = []
    status, message, code = "done", "", 0
    try:
        spark = session.connect(settings)
        results = _stage(settings)(spark, settings)
        _record(spark, settings, results, started)
    except ContractBroken as error:
        results, status, message, code = error.results, "refused", str(error), 3
    except UsageError as error:
        status, message, code = "failed", str(error), 2
    except JobError as error:
        status, message, code = "failed", str(error), 1
    except Exception as error:
        log.exception("%s: unexpected error", settings.step)
        status, message, code = "failed", f"{type(error).__name__}: {str(error).splitlines()[0][:500]}", 1
    for result in results:
        log.info("%-28s %12s rows", result.table, f"{result.rows:,}")
    if message:
        print(f"{settings.step}: {message}", file=sys.stderr)
    _leave_note(settings, results, status, code, message, started)
    return code


def _command(argv: Sequence[str]) -> int:
    try:
        cli.run_command(argv)
    except (UsageError, JobError) as error:
        print(f"{argv[0]}: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    return 0


def entry_point() -> None:
    """Run one stage as what the wheel offers: Databricks takes whatever returns for a success, so this raises."""
    if code := main():
        sys.exit(code)


def _stage(settings: Settings) -> Callable[[SparkSession, Settings], list[TableResult]]:
    # Imported when used: Great Expectations alone takes seconds to import, and only `check` needs it.
    run: Callable[[SparkSession, Settings], list[TableResult]] = importlib.import_module(
        f"jobs.{settings.stage}"
    ).run
    return run


def _record(spark: SparkSession, settings: Settings, results: list[TableResult], started: datetime) -> None:
    """Append the stage's results to `ops.job_runs`."""
    if settings.stage == "verify":
        return
    ended = datetime.now(UTC)
    rows = [
        (
            settings.run_id,
            settings.night,
            settings.step,
            r.table,
            r.rows,
            "done",
            json.dumps(r.detail),
            started,
            ended,
        )
        for r in results
    ]
    store.ensure(spark, settings, ["ops.job_runs"])
    columns = TABLES["ops.job_runs"].columns
    if rows:
        store.append(spark, settings, "ops.job_runs", spark.createDataFrame(rows, columns))


def _leave_note(
    settings: Settings, results: list[TableResult], status: str, code: int, message: str, started: datetime
) -> None:
    """Leave the same results where the Airflow UI and `make run` read them without Spark."""
    ended = datetime.now(UTC)
    note = {
        "stage": settings.step,
        "night": str(settings.night),
        "run_id": settings.run_id,
        "status": status,
        "exit": code,
        "message": message,
        "started_at": started.isoformat(),
        "ended_at": ended.isoformat(),
        "seconds": round((ended - started).total_seconds(), 1),
        "tables": [{"table": r.table, "rows": r.rows, "detail": r.detail} for r in results],
        "pages": sorted({page for r in results for page in r.pages}),
    }
    write_atomically(settings.run_folder / f"{settings.step}.json", json.dumps(note, indent=1))
