"""Command `as-of`: what a table held at a version, or when a night's run had left it."""

from argparse import ArgumentParser, Namespace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import DERIVED, Table
from jobs.cli import arguments as common
from jobs.delta.digests import digests_of
from jobs.flat_files import in_order, texts_of
from jobs.maintenance import table_command
from jobs.maintenance.versions import pick, readable, rows_at, versions

SLICES_SHOWN = 7


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    table_command.add_table(parser)
    add_moment(parser)
    parser.add_argument(
        "--limit",
        type=table_command.whole_number,
        default=20,
        metavar="N",
        help="rows (default: %(default)s)",
    )


def add_moment(parser: ArgumentParser) -> None:
    """Declare --version and --night, of which one or both are given."""
    parser.add_argument("--version", type=table_command.whole_number, metavar="N", help="see history-of")
    parser.add_argument(
        "--night",
        type=common.night,
        metavar="YYYY-MM-DD",
        help="this night's slice, without --version as the night's last run left it",
    )


def is_rewritten_whole(table: Table) -> bool:
    """Whether each night writes the whole table anew, so that no slice of it stands alone."""
    return table.full_name in {each.full_name for each in DERIVED.values()} and not table.is_dated


def of_night(rows: DataFrame, table: Table, arguments: Namespace) -> DataFrame:
    """The slice of the night that the arguments name; all rows when they name none, or the table has no slices."""
    if arguments.night is None or is_rewritten_whole(table):
        return rows
    return rows.where(F.col(table.slice) == arguments.night)


def run(arguments: Namespace) -> None:
    """Print the version, its newest slices and its first rows. Raises UsageError and JobError."""
    table: Table = arguments.table
    lake = table_command.connect(arguments)
    version = pick(versions(lake, table), table, arguments.version, arguments.night)
    print(f"{table.full_name} as of {version}")
    with readable(table, version):
        rows = of_night(rows_at(lake, table, version), table, arguments)
        print(f"\n{_slices(rows, table)}")
        if arguments.limit:
            first = in_order(rows).limit(arguments.limit)
            print(f"\n{table_command.aligned(first.columns, texts_of(first).collect())}")


def _slices(rows: DataFrame, table: Table) -> str:
    """The newest slices with their digests, which say whether two versions of a slice are the same."""
    if not set(table.column_names) <= set(rows.columns):
        return f"{rows.count():,} rows, in columns that are no longer those of the catalog"
    found = sorted(digests_of({table: rows}), key=lambda digest: str(digest.night), reverse=True)
    shown = [(digest.night, digest.rows, digest.digest) for digest in found[:SLICES_SHOWN]]
    left = [f"and {len(found) - len(shown):,} older"] if len(found) > len(shown) else []
    total = f"{sum(digest.rows for digest in found):,} rows in {len(found):,} slices"
    return "\n".join([total, table_command.aligned((table.slice, "rows", "digest"), shown), *left])
