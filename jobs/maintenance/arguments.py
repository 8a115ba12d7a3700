"""Arguments of `maintain`."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass

from jobs.cli import arguments as common

SHORTEST_RETENTION_DAYS = 7


@dataclass(frozen=True)
class Options:
    """How long old versions and pages are kept."""

    vacuum_days: int = 7  # older versions of tables may become unreadable
    docs_days: int = 30  # pages of runs that ended earlier are removed


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the stage's arguments."""
    common.add_filing_night(parser)
    parser.add_argument(
        "--vacuum-days",
        type=vacuum_days,
        default=7,
        metavar="N",
        help="days that old versions of tables stay readable (default: %(default)s, which is the least)",
    )
    parser.add_argument(
        "--docs-days",
        type=days,
        default=30,
        metavar="N",
        help="days that pages of runs are kept; those of a night's own run stay (default: %(default)s)",
    )


def vacuum_days(text: str) -> int:
    """Parse how many days old versions of tables stay readable: at least a week, Delta's own limit.

    Younger files may belong to a write that is still under way, or to a query that reads an older version.
    """
    value = days(text)
    if value < SHORTEST_RETENTION_DAYS:
        raise ArgumentTypeError(
            f"{value} days are too few: files younger than {SHORTEST_RETENTION_DAYS} days may still be needed"
        )
    return value


def days(text: str) -> int:
    """Parse a number of days: from 1 to 36500."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= 36500:
        raise ArgumentTypeError(f"{text[:40]!r} is not a number of days from 1 to 36500")
    return int(text)
