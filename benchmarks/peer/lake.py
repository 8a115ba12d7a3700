"""The tables of a lake: Delta, written by delta-rs and read by DuckDB."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError

BATCH = 200_000  # rows that are handed over at a time
Row = tuple[Any, ...]


class ContractBroken(Exception):
    """Data did not pass its contract; nothing more is written."""


class Lake:
    """Delta tables below one folder, `layer/name`, and the connection that queries them."""

    def __init__(self, folder: Path) -> None:
        warnings.simplefilter("ignore")
        self.folder = folder
        self.connection = duckdb.connect(config={"preserve_insertion_order": "false"})
        self.connection.execute("SET TimeZone = 'UTC'")
        self._tables: dict[str, DeltaTable] = {}

    def execute(self, sql: str) -> None:
        """Run a statement."""
        self.connection.execute(sql)

    def fetch(self, sql: str) -> list[Row]:
        """Return the rows of a query."""
        return self.connection.execute(sql).fetchall()

    def fetch_one(self, sql: str) -> Row:
        """Return the first row of a query."""
        return self.fetch(sql)[0]

    def path(self, name: str) -> str:
        """Where a table lies, given as `layer.name`."""
        return str(self.folder / name.replace(".", "/"))

    def table(self, name: str) -> DeltaTable | None:
        """Return the newest version of a table; None before its first commit."""
        found = self._tables.get(name)
        if found is not None:
            found.update_incremental()
            return found
        try:
            found = self._tables[name] = DeltaTable(self.path(name))
        except TableNotFoundError:
            return None
        return found

    def rows(
        self, name: str, column: str = "", values: Iterable[object] = (), columns: str = "*"
    ) -> str | None:
        """Return a table's rows as SQL, those of some partitions alone if `column` is given; None before the first.

        Raises nothing for partitions that are not there: there are no rows in them.
        """
        table = self.table(name)
        if table is None or not (files := table.file_uris()):
            return None
        chosen = [str(value) for value in values]
        if column:
            found = table.file_uris(file_pruning_predicate=[(column, "in", chosen)]) if chosen else []
            files, nothing = (found, "") if found else (files[:1], " WHERE false")
        else:
            nothing = ""
        kinds = {
            part: "VARCHAR" if part == "source" else "DATE" for part in table.metadata().partition_columns
        }
        hive = f", hive_partitioning = true, hive_types = {kinds}".replace("'", "") if kinds else ""
        return f"(SELECT {columns} FROM read_parquet({files}{hive}){nothing})"

    def append(
        self,
        name: str,
        rows: str | pa.Table,
        partition_by: list[str] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Append the rows of a query, or those at hand, in one commit."""
        write_deltalake(
            self.path(name),
            self._batches(rows),
            mode="append",
            partition_by=partition_by,
            commit_properties=_properties(metadata),
        )

    def replace(
        self,
        name: str,
        rows: str | pa.Table,
        where: str | None = None,
        partition_by: list[str] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Put rows in the place of those that meet a condition, by default of all, in one commit."""
        write_deltalake(
            self.path(name),
            self._batches(rows),
            mode="overwrite",
            predicate=where if self.table(name) is not None else None,
            partition_by=partition_by,
            commit_properties=_properties(metadata),
        )

    def _batches(self, rows: str | pa.Table) -> pa.Table | pa.RecordBatchReader:
        return self.connection.sql(rows).to_arrow_reader(BATCH) if isinstance(rows, str) else rows


def _properties(metadata: Mapping[str, str] | None) -> CommitProperties:
    return CommitProperties(custom_metadata={"run": json.dumps(metadata or {})})


def on_dates(column: str, dates: Iterable[date]) -> str:
    """The condition that a column has one of some dates, as delta-rs parses it."""
    return f"{column} IN (" + ", ".join(f"'{day}'" for day in dates) + ")"
