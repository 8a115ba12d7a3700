"""Command `export`: write a table's rows of some nights to a CSV or Parquet file, or copy a gold table to Iceberg."""

import filecmp
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import Table
from jobs.cli import arguments as common
from jobs.errors import JobError, UsageError
from jobs.files import write_lines
from jobs.flat_files import csv_lines, in_order, write_parquet
from jobs.iceberg import catalogs
from jobs.iceberg import gold as iceberg
from jobs.maintenance import table_command

ICEBERG = "iceberg"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    table_command.add_table(parser)
    for flag, name, text in (
        ("--night", "night", "one slice of the table"),
        ("--from", "first", "the first slice of several"),
        ("--to", "last", "the last one"),
    ):
        parser.add_argument(flag, dest=name, type=common.night, metavar="YYYY-MM-DD", help=text)
    parser.add_argument(
        "--format",
        choices=(*WRITE, ICEBERG),
        required=True,
        help=f"of the file; {ICEBERG} brings the copy of a whole gold table up to date, in the catalog that "
        f"{catalogs.VARIABLE} names (default: {catalogs.SQLITE}, a file in the lake)",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the file goes")


def run(arguments: Namespace) -> None:
    """Write the file, whole or not at all, and print its path; of a copy in Iceberg that of its metadata.

    An existing file is never replaced. Raises UsageError when its bytes differ, JobError when it cannot be written.
    """
    if arguments.format == ICEBERG:
        _copy(arguments)
    else:
        _write_file(arguments)


def _copy(arguments: Namespace) -> None:
    table: Table = arguments.table
    if table.layer != "gold":
        raise UsageError(f"{table.full_name} is not copied to Iceberg: only gold tables are")
    if any((arguments.night, arguments.first, arguments.last, arguments.out)):
        raise UsageError(
            "--format iceberg is about the whole table: leave out --night, --from, --to and --out"
        )
    lake = table_command.connect(arguments)
    if not lake.exists("ops.digests"):
        raise UsageError("nothing has been published yet; has a night been run?")
    (copied,) = iceberg.copy(lake, catalogs.named() or catalogs.SQLITE, [table]).values()
    print(copied.table.metadata_location)


def _write_file(arguments: Namespace) -> None:
    table: Table = arguments.table
    first, last = _range(arguments)
    if arguments.out is None:
        raise UsageError("--out is missing: the folder that the file goes to")
    if not arguments.out.is_dir():
        raise UsageError(f"there is no folder {arguments.out}")
    lake = table_command.connect(arguments)
    day = F.col(table.slice)
    rows = lake.read(table.full_name).where((day >= F.lit(first)) & (day <= F.lit(last)))
    slices = sorted(row[0] for row in rows.select(table.slice).distinct().collect())
    if not slices:
        raise UsageError(f"{table.full_name} has no rows of {_name(first, last)}")
    path = arguments.out / f"{table.full_name}.{_name(first, last)}.{arguments.format}"
    # In one order and a slice at a time: the same rows are the same bytes, and memory holds one slice.
    parts = [in_order(rows.where(F.col(table.slice) == each)) for each in slices]
    _write_once(path, lambda draft: WRITE[arguments.format](draft, parts))
    print(path)


def _range(arguments: Namespace) -> tuple[date, date]:
    night, first, last = arguments.night, arguments.first, arguments.last
    if (night is None) == (first is None and last is None) or (first is None) != (last is None):
        raise UsageError("give --night, or --from and --to")
    if night is None and first > last:
        raise UsageError(f"the range ends on {last}, before it begins on {first}")
    return (first, last) if night is None else (night, night)


def _name(first: date, last: date) -> str:
    return str(first) if first == last else f"{first}_{last}"


def _write_csv(file: Path, parts: list[DataFrame]) -> None:
    def lines() -> Iterator[str]:
        for number, part in enumerate(parts):
            of_part = csv_lines(part)
            header = next(of_part)
            if not number:
                yield header
            yield from of_part

    write_lines(file, lines())


WRITE: dict[str, Callable[[Path, list[DataFrame]], None]] = {"csv": _write_csv, "parquet": write_parquet}


def _write_once(path: Path, write: Callable[[Path], None]) -> None:
    """Write a draft beside the file, then rename it unless the file exists."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    with _removed(draft):
        try:
            write(draft)
            if not path.exists():
                draft.replace(path)
            elif not (path.is_file() and filecmp.cmp(draft, path, shallow=False)):
                raise UsageError(f"{path} is there already and is another export; move it away first")
        except OSError as error:
            raise JobError(f"cannot write {path}: {error.strerror or error}") from None


@contextmanager
def _removed(draft: Path) -> Iterator[None]:
    try:
        yield
    finally:
        draft.unlink(missing_ok=True)
