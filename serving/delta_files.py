"""A Delta table's files: which a version has, and what nobody here may guess about them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import VariantType

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


@dataclass(frozen=True)
class DataFile:
    """One file of a version."""

    path: str
    partition: Mapping[str, Any]
    """What all its rows have in the columns by which the table is partitioned, which the file itself lacks."""


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
    """Return the inode of a table's log and when it last changed (nanoseconds): the same until there is a new commit.

    None where there is no log, and where it changed just now: the next commit could come at what counts as one time.
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


def files(table: DeltaTable, folder: Path) -> list[DataFile]:
    """Return the files of a version in the order of its rows, which depends on the version alone."""
    actions = pa.table(table.get_add_actions(flatten=True))
    columns = {name: f"partition.{name}" for name in table.metadata().partition_columns}
    found = actions.select(["path", *columns.values()]).to_pylist()
    return [
        DataFile(str(folder / unquote(add["path"])), {name: add[column] for name, column in columns.items()})
        for add in sorted(found, key=lambda add: str(add["path"]))
    ]
