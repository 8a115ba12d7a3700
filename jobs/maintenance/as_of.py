"""Command `as-of`: print a table's rows at a version, or as a night's run left them."""

from argparse import ArgumentParser, Namespace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import DERIVED, Table
from jobs.cli import arguments as common
from jobs.delta.digests import digests_of
from jobs.errors import UsageError
from jobs.flat_files import as_strings, in_order
from jobs.maintenance import table_command
from jobs.maintenance.versions import pick, readable, rows_at, versions

SLICES_SHOWN = 7


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    table_command.add_table(parser)
    add_moment(parser)
    parser.add_argument(
        "--limit",
        type=table_command.from_zero,
        default=20,
        metavar="N",
        help="rows (default: %(default)s)",
    )


def add_moment(parser: ArgumentParser) -> None:
    """Declare --version and --night, of which one or both are given."""
    parser.add_argument(
        "--version", type=table_command.from_zero, metavar="N", help="the version, as history-of lists them"
    )
    parser.add_argument(
        "--night",
        type=common.night,
        metavar="YYYY-MM-DD",
        help="this night's slice, without --version as the night's last run left it",
    )


def require_moment(arguments: Namespace) -> None:
    """Raise UsageError where neither --version nor --night is given."""
    if arguments.version is None and arguments.night is None:
        raise UsageError("give --version, --night or both")


def is_rewritten_whole(table: Table) -> bool:
    """Whether every night rewrites the whole table, so that no slice can be restored alone."""
    return table.full_name in {each.full_name for each in DERIVED.values()} and not table.is_dated


def of_night(rows: DataFrame, table: Table, arguments: Namespace) -> DataFrame:
    """Return the slice of the arguments' night; all rows without a night, or of a table that is rewritten whole."""
    if arguments.night is None or is_rewritten_whole(table):
        return rows
    return rows.where(F.col(table.slice) == arguments.night)


def run(arguments: Namespace) -> None:
    """Print the version, its newest slices and its first rows.

    Raises UsageError for an unknown version or none, JobError when its files are gone.
    """
    require_moment(arguments)
    table: Table = arguments.table
    lake = table_command.connect(arguments)
    version = pick(versions(lake, table), table, arguments.version, arguments.night)
    print(f"{table.full_name} as of {version}")
    with readable(table, version):
        rows = of_night(rows_at(lake, table, version), table, arguments)
        print(f"\n{_slices(rows, table)}")
        if arguments.limit:
            first = in_order(rows).limit(arguments.limit)
            print(f"\n{table_command.aligned(first.columns, as_strings(first).collect())}")


def _slices(rows: DataFrame, table: Table) -> str:
    """Return the newest slices with their digests as text; versions of a slice are equal if their digests are."""
    if not set(table.column_names) <= set(rows.columns):
        return f"{rows.count():,} rows, in columns that are no longer those of the catalog"
    found = sorted(digests_of({table: rows}), key=lambda digest: str(digest.night), reverse=True)
    shown = [(digest.night, digest.rows, digest.digest) for digest in found[:SLICES_SHOWN]]
    left = [f"and {len(found) - len(shown):,} older"] if len(found) > len(shown) else []
    total = f"{sum(digest.rows for digest in found):,} rows in {len(found):,} slices"
    return "\n".join([total, table_command.aligned((table.slice, "rows", "digest"), shown), *left])
