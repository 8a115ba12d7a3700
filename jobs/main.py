"""From arguments to an exit status: settings, session, stage, and the run result."""

import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from catalog import location
from catalog.reading import CatalogError
from jobs import session
from jobs.cli import parser
from jobs.delta.lake import Lake
from jobs.errors import ContractBroken, JobError, UsageError
from jobs.hidden_modules import defer, hide
from jobs.lineage.emission import Emission
from jobs.outcome import Outcome
from jobs.runner import run_stage, without_spark
from jobs.settings import Settings
from jobs.state import progress, run_results

log = logging.getLogger("jobs")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage or command that the arguments name; return its exit status."""
    # Iceberg's catalogs alone need it, and find it. Great Expectations imports it where it is installed, without any
    # use for it here: a second for each check. The other two are for expectations that no suite here has: another.
    hide("sqlalchemy")
    defer("altair")
    defer("scipy.stats")
    given = sys.argv[1:] if argv is None else argv
    if given and given[0] in parser.COMMANDS:
        return _command(given)
    settings = parser.parse(given)
    # Libraries log from warnings on; Great Expectations would otherwise fill pages.
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    log.setLevel(logging.INFO)
    started = datetime.now(UTC)
    lineage = Emission(settings, started)
    outcome = _outcome(settings)
    try:
        run_results.write(settings, outcome, started)
    except OSError as error:
        # Without a run result, the stage looks as if it had never run.
        outcome = outcome if outcome.code else Outcome.of(error)
    lineage.end(outcome)
    for table in outcome.tables:
        said = table.detail.get("summary") or f"{table.rows:>12,} rows"
        log.info("%-28s %s", table.table, said)
    if outcome.message:
        print(f"{settings.step}: {outcome.message}", file=sys.stderr)
    return outcome.code


def _outcome(settings: Settings) -> Outcome:
    try:
        if moved := location.objection(settings.home):
            raise UsageError(moved)
        # A folder that cannot be written fails before the work, not after it.
        settings.run_folder.mkdir(parents=True, exist_ok=True)
        progress.clear(settings)  # of an attempt that was killed
        location.keep(settings.home)
        if (results := without_spark(settings)) is not None:
            return Outcome(results)
        outcome = Outcome(run_stage(Lake(session.connect(settings), settings)))
        session.close()
        return outcome
    except (ContractBroken, JobError, UsageError, CatalogError, OSError) as error:
        return Outcome.of(error)
    except Exception as error:
        log.exception("%s: unexpected error", settings.step)
        return Outcome.of(error)


def _command(argv: Sequence[str]) -> int:
    try:
        parser.run_command(argv)
        session.close()
    except (UsageError, JobError, OSError) as error:
        outcome = Outcome.of(error)
        print(f"{argv[0]}: {outcome.message}", file=sys.stderr)
        return outcome.code
    return 0


def entry_point() -> None:
    """Entry point of the wheel: exit with the status, since Databricks takes a normal return for success."""
    if code := main():
        sys.exit(code)
