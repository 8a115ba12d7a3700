"""From arguments to an exit status: settings, session, stage, and a record of what came of it."""

import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from jobs import session
from jobs.cli import parser
from jobs.delta.lake import Lake
from jobs.errors import ContractBroken, JobError, UsageError
from jobs.outcome import Outcome
from jobs.runner import run_stage
from jobs.settings import Settings
from jobs.state import run_results

log = logging.getLogger("jobs")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage or the command that the arguments name and give its exit status."""
    given = sys.argv[1:] if argv is None else argv
    if given and given[0] in parser.COMMANDS:
        return _command(given)
    settings = parser.parse(given)
    # Libraries speak up from warnings on; Great Expectations would otherwise fill pages.
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    log.setLevel(logging.INFO)
    started = datetime.now(UTC)
    outcome = _outcome(settings)
    try:
        run_results.write(settings, outcome, started)
    except OSError as error:
        # Whoever waits for the result would take the stage for one that never ran.
        outcome = outcome if outcome.code else Outcome.of(error)
    for result in outcome.results:
        log.info("%-28s %12s rows", result.table, f"{result.rows:,}")
    if outcome.message:
        print(f"{settings.step}: {outcome.message}", file=sys.stderr)
    return outcome.code


def _outcome(settings: Settings) -> Outcome:
    try:
        # What cannot be written is better known before the work than after it.
        settings.run_folder.mkdir(parents=True, exist_ok=True)
        outcome = Outcome(run_stage(Lake(session.connect(settings), settings)))
        session.close()
        return outcome
    except (ContractBroken, JobError, UsageError, OSError) as error:
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
    """Run one stage as what the wheel offers: Databricks takes whatever returns for a success, so this raises."""
    if code := main():
        sys.exit(code)
