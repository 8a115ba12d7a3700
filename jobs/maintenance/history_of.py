"""Command `history-of`: list the versions of a table, newest first."""

from argparse import ArgumentParser, Namespace

from jobs.maintenance import table_command
from jobs.maintenance.versions import Retention, Version, retention, versions


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    table_command.add_table(parser)
    parser.add_argument(
        "--limit",
        type=table_command.from_zero,
        default=20,
        metavar="N",
        help="the newest so many; 0: all (default: %(default)s)",
    )


def run(arguments: Namespace) -> None:
    """Print the versions, and which of them are no longer kept.

    Raises UsageError for a table that does not exist, JobError without a Spark to ask.
    """
    lake = table_command.connect(arguments)
    found = versions(lake, arguments.table)
    shown = found[: arguments.limit or None]
    header = ("version", "time (UTC)", "operation", "rows", "night", "stage", "run")
    rows = [(v.number, v.committed_at, v.operation, v.rows, v.night, v.stage, v.run_id) for v in shown]
    print(table_command.aligned(header, rows))
    if left := len(found) - len(shown):
        print(f"and {left:,} older; --limit 0 shows all")
    if said := _no_longer_kept(found, retention(lake, arguments.table)):
        print(said)


def _no_longer_kept(found: list[Version], kept: Retention) -> str:
    """Return which versions are no longer kept, in a line; empty if all are."""
    readable = kept.readable(found)
    if len(readable) == len(found):
        return ""
    time = kept.interval.removeprefix("interval ")
    return (
        f"versions before {readable[-1].number} are no longer kept: the table keeps them for {time} "
        "(`maintain --vacuum-days`), or kept them for less when it was vacuumed"
    )
