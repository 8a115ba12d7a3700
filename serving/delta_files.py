"""A Delta table's files as an Arrow dataset: which files a version has, and what nobody here may guess about them."""

from __future__ import annotations

import time
from functools import reduce
from operator import and_
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import VariantType
from pyarrow import fs

from serving.problems import Problem

# What Delta may ask of a reader and plain Parquet files fulfil. Not: deletion vectors, column mapping.
HARMLESS = {
    "timestampNtz",
    "v2Checkpoint",
    "vacuumProtocolCheck",
    "variantType",
    "variantType-preview",
    "typeWidening",
    "typeWidening-preview",
}
# Nanoseconds, of which file systems round the times of folders to some millions.
OLD_ENOUGH = 2_000_000_000
# Spark wrote timestamps as INT96 once; as nanoseconds, the year 9999 would be another one.
FORMAT = ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(coerce_int96_timestamp_unit="us"))


def opened(folder: Path, name: str, version: int | None = None) -> DeltaTable:
    """Open a table at a version, by default its newest.

    Raises Problem when the table or the version is not there, or when reading it takes more than its files.
    """
    try:
        table = DeltaTable(folder)
        newest = table.version()
        if version is not None and version != newest:
            if not 0 <= version < newest:
                raise Problem(404, "No such version", f"{name} has versions up to {newest}, not {version}")
            table = DeltaTable(folder, version=version)
    except TableNotFoundError:
        detail = f"{name} is not there yet: a night makes it when it publishes its first rows; run one"
        raise Problem(404, "Not published yet", detail) from None
    except DeltaError as error:
        if version is None:
            raise
        raise gone(name, version) from error
    _refuse_features(table, name)
    return table


def stamp(folder: Path) -> tuple[int, int] | None:
    """Return what stays the same as long as a table has no new commit: which log it is, and when that last changed.

    None where that was just now, for another commit might not have a later time, and where there is no log.
    """
    try:
        log = (folder / "_delta_log").stat()
    except OSError:
        return None
    is_old_enough = time.time_ns() - log.st_mtime_ns > OLD_ENOUGH
    return (log.st_ino, log.st_mtime_ns) if is_old_enough else None


def row_count(table: DeltaTable) -> int | None:
    """Return how many rows a version has, as its log says; None where the log does not."""
    counts = table.get_add_actions().column("num_records").to_pylist()
    return None if None in counts else sum(counts)


def gone(name: str, version: int) -> Problem:
    """Return what is said of a version whose files or log are no longer there."""
    detail = f"{name} can no longer be read as of version {version}: maintenance has removed files; ask for a newer one"
    return Problem(410, "Version is gone", detail)


def _refuse_features(table: DeltaTable, name: str) -> None:
    protocol = table.protocol()
    found = set(protocol.reader_features or ()) - HARMLESS
    if "delta.columnMapping.mode" in table.metadata().configuration and protocol.min_reader_version == 2:
        found.add("columnMapping")
    if found:
        detail = f"{name} uses {', '.join(sorted(found))} of Delta, which this reader cannot read; use Spark"
        raise Problem(501, "Table is not readable here", detail)


def schema(table: DeltaTable) -> pa.Schema:
    """Return the columns of a version in the table's order; without VARIANT, which is no Arrow type."""
    variants = {field.name for field in table.schema().fields if isinstance(field.type, VariantType)}
    return pa.schema([field for field in pa.schema(table.schema().to_arrow()) if field.name not in variants])


def dataset(table: DeltaTable, folder: Path) -> ds.FileSystemDataset:
    """Return the rows of a version, of which Arrow skips files by partition and row groups by Parquet's statistics.

    Not by the statistics in Delta's log, as deltalake's own dataset does: where a file holds a NaN, Spark writes NaN
    as its maximum there, and Arrow then skips the file whatever is asked for (deltalake 1.6.6).
    """
    columns, filesystem = schema(table), fs.LocalFileSystem()
    partitions = table.metadata().partition_columns
    # In an order that depends on the version alone: that of the rows, when nobody asks for another.
    actions = sorted(pa.table(table.get_add_actions(flatten=True)).to_pylist(), key=lambda add: add["path"])
    fragments = [
        FORMAT.make_fragment(
            str(folder / unquote(add["path"])),
            filesystem,
            partition_expression=_same(columns, {name: add[f"partition.{name}"] for name in partitions}),
        )
        for add in actions
    ]
    return ds.FileSystemDataset(fragments, columns, FORMAT, filesystem)


def _same(columns: pa.Schema, values: dict[str, object]) -> ds.Expression:
    terms = [
        ds.field(name).is_null()
        if value is None
        else ds.field(name) == pa.scalar(value, columns.field(name).type)
        for name, value in values.items()
    ]
    return reduce(and_, terms, ds.scalar(True))
