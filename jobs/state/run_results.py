"""The run results, `runs/<run id>/<step>.json` in the data docs: the only module of the jobs that writes or reads them.

Their form, which others read too, is that of `catalog.run_result`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from catalog.pipeline import STEP_NAMES
from catalog.run_result import RunResult, TableEntry, path_of
from jobs.files import write_atomically
from jobs.outcome import Outcome
from jobs.settings import Settings
from jobs.state import progress

APPENDING = "job_runs.begun"  # in the folder of a run


def of(settings: Settings, outcome: Outcome, started: datetime) -> RunResult:
    """The result of a step that ends now."""
    ended = datetime.now(UTC)
    return RunResult(
        stage=settings.step,
        night=str(settings.night),
        run_id=settings.run_id,
        status=outcome.status,
        exit=outcome.code,
        message=outcome.message,
        started_at=started.isoformat(),
        ended_at=ended.isoformat(),
        seconds=round((ended - started).total_seconds(), 1),
        tables=tuple(TableEntry(each.table, each.rows, each.detail) for each in outcome.tables),
        pages=tuple(sorted({page for each in outcome.tables for page in each.pages})),
    )


def write(settings: Settings, outcome: Outcome, started: datetime) -> None:
    """Leave what came of a step, in the place of how far it had come. Raises OSError."""
    result = of(settings, outcome, started)
    write_atomically(settings.docs / path_of(settings.run_id, settings.step), result.to_json())
    progress.clear(settings)


def begin_appending(settings: Settings) -> bool:
    """Keep that results of this run are about to be appended to `ops.job_runs`; False if that was begun before."""
    try:
        (settings.run_folder / APPENDING).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def beside(settings: Settings, ending: str) -> Path:
    """Return the file of a step that lies beside its run result, under the same name with another ending."""
    return (settings.docs / path_of(settings.run_id, settings.step)).with_suffix(ending)


def of_night(settings: Settings) -> list[RunResult]:
    """What the other steps of this run left about its night, in the order of the steps."""
    files = [settings.docs / path_of(settings.run_id, step) for step in STEP_NAMES if step != settings.step]
    results = [_read(file) for file in files if file.exists()]
    # By hand, one run id may have served several nights.
    return [result for result in results if result.night == str(settings.night)]


def of_all_runs(settings: Settings) -> Iterator[tuple[str, RunResult]]:
    """Every result there is, with the name of its run's folder."""
    for file in settings.docs.glob(path_of("*", "*")):
        yield file.parent.name, _read(file)


def _read(file: Path) -> RunResult:
    return RunResult.from_json(file.read_text(encoding="utf-8"))
