"""From arguments to an exit status: settings, session, stage, and a record of what came of it."""

import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from jobs import cli, session
from jobs.record import Outcome, leave_note, run_stage
from jobs.results import ContractBroken, JobError, UsageError

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
    try:
        outcome = Outcome(run_stage(session.connect(settings), settings))
        session.close()
    except (ContractBroken, JobError, UsageError) as error:
        outcome = Outcome.of(error)
    except Exception as error:
        log.exception("%s: unexpected error", settings.step)
        text = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:500]}"
        outcome = Outcome(status="failed", message=text, code=1)
    for result in outcome.results:
        log.info("%-28s %12s rows", result.table, f"{result.rows:,}")
    if outcome.message:
        print(f"{settings.step}: {outcome.message}", file=sys.stderr)
    leave_note(settings, outcome, started)
    return outcome.code


def _command(argv: Sequence[str]) -> int:
    try:
        cli.run_command(argv)
        session.close()
    except (UsageError, JobError) as error:
        print(f"{argv[0]}: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    return 0


def entry_point() -> None:
    """Run one stage as what the wheel offers: Databricks takes whatever returns for a success, so this raises."""
    if code := main():
        sys.exit(code)
