"""A lake on Databricks, as the API asks for it: through a SQL warehouse, by its API for statements."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.sql import (
    Disposition,
    ExecuteStatementRequestOnWaitTimeout,
    Format,
    StatementParameterListItem,
    StatementState,
)
from platforms.databricks_client import ConnectionProblem

from serving import versions
from serving.conditions import Condition, check
from serving.problems import Problem
from serving.readable import readable_table
from serving.spark_sql import Statement, quoted
from serving.spark_sql import rows as statement_of
from serving.statements import Order
from serving.tables import check_column
from serving.values import parsed
from serving.versions import Commit

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.sql import StatementResponse

# What the warehouse itself takes for a limit, in seconds.
SHORTEST, LONGEST = 5, 50
SIMPLE = {
    "BOOLEAN": pa.bool_(),
    "INT": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "STRING": pa.string(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
}
MISSING = ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND")
GONE = ("TIME_TRAVEL", "FILE_NOT_FOUND", "FILE_NOT_EXIST", "TIMESTAMP_EARLIER")


@dataclass(frozen=True)
class WarehouseLake:
    """A target's tables, and the warehouse that reads them."""

    client: WorkspaceClient
    warehouse_id: str
    catalog: str
    prefix: str

    def open(self, name: str, as_of: int | date | None = None) -> WarehouseTable:
        """Return a table at a version, or as a night left it; by default at its newest. Raises Problem."""
        table = readable_table(name)
        full_name = quoted(self.catalog, f"{self.prefix}{table.layer}", table.name)
        if isinstance(as_of, date):
            version = versions.of_night(self.commits(name, full_name), name, as_of)
        else:
            newest = next(self.commits(name, full_name, 1)).version
            version = newest if as_of is None else as_of
            if version > newest:
                raise Problem(404, "No such version", f"{name} has versions up to {newest}, not {version}")
        at = f"{full_name} VERSION AS OF {version:d}"
        kinds, _ = self.run(name, Statement(f"SELECT * FROM {at} LIMIT 0"))
        found = {column: kind for column, text in kinds.items() if (kind := arrow_type(text)) is not None}
        return WarehouseTable(self, name, full_name, version, pa.schema(found.items()))

    def commits(self, name: str, full_name: str, limit: int | None = None) -> Iterator[Commit]:
        """Yield a table's versions, newest first."""
        last = f" LIMIT {limit:d}" if limit else ""
        kinds, rows = self.run(name, Statement(f"DESCRIBE HISTORY {full_name}{last}"))
        columns = list(kinds)
        for row in rows:
            entry = dict(zip(columns, row, strict=True))
            moment = datetime.fromisoformat(str(entry["timestamp"]))
            yield Commit(int(str(entry["version"])), moment, versions.night_of(entry["userMetadata"]))

    def run(
        self, name: str, statement: Statement, seconds: float = LONGEST
    ) -> tuple[dict[str, str], list[list[str | None]]]:
        """Execute a statement about a table; return SQL type by column, and rows of text. Raises Problem."""
        try:
            answer = self.client.statement_execution.execute_statement(
                statement.text,
                self.warehouse_id,
                disposition=Disposition.INLINE,
                format=Format.JSON_ARRAY,
                wait_timeout=f"{min(max(int(seconds), SHORTEST), LONGEST)}s",
                on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CANCEL,
                parameters=[
                    StatementParameterListItem(name=key, type=kind, value=value)
                    for key, kind, value in statement.parameters
                ],
            )
            _refuse_failed(answer, name)
            return _kinds(answer), list(self._rows(answer))
        except (DatabricksError, ConnectionProblem, OSError) as error:
            raise Problem(502, "The workspace refused", f"{error}".partition("\n")[0][:300]) from error

    def _rows(self, answer: StatementResponse) -> Iterator[list[str | None]]:
        chunk: Any = answer.result
        while chunk is not None:
            yield from chunk.data_array or ()
            if chunk.next_chunk_index is None:
                break
            execution, number = self.client.statement_execution, chunk.next_chunk_index
            chunk = execution.get_statement_result_chunk_n(str(answer.statement_id), number)


@dataclass(frozen=True)
class WarehouseTable:
    """A table at a version."""

    lake: WarehouseLake
    name: str
    full_name: str
    version: int
    types: pa.Schema

    def commit(self) -> Commit:
        """Return when the version was made, and the last night up to it."""
        return versions.of_version(self.lake.commits(self.name, self.full_name), self.version)

    def row_count(self) -> int | None:
        """Return None: nobody has asked the warehouse to count."""
        return None

    def rows(
        self,
        columns: Sequence[str],
        where: Sequence[Condition],
        order: Sequence[Order],
        limit: int,
        offset: int,
        deadline: float,
    ) -> pa.Table:
        """Return rows as `tables.rows` does, but without an order by all columns."""
        wanted = list(columns) or list(self.types.names)
        for name in (*wanted, *(each.column for each in where), *(each.column for each in order)):
            check_column(self.name, self.types, name)
        check(where, self.types)
        at = f"{self.full_name} VERSION AS OF {self.version:d}"
        statement = statement_of(at, self.types, wanted, where, order, limit, offset)
        _, found = self.lake.run(self.name, statement, deadline - time.monotonic())
        kinds = [self.types.field(name).type for name in wanted]
        arrays = [
            pa.array([_value(kind, row[place]) for row in found], kind) for place, kind in enumerate(kinds)
        ]
        return pa.Table.from_arrays(arrays, names=wanted)


def arrow_type(text: str) -> pa.DataType | None:
    """Return the Arrow type of a SQL type; None for VARIANT and what else no table of the catalog has."""
    text = text.upper().replace(" ", "")
    if size := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", text):
        return pa.decimal128(int(size[1]), int(size[2]))
    if nested := re.fullmatch(r"ARRAY<(.*)>", text):
        item = arrow_type(nested[1])
        return None if item is None else pa.list_(item)
    if nested := re.fullmatch(r"MAP<STRING,(.*)>", text):
        item = arrow_type(nested[1])
        return None if item is None else pa.map_(pa.string(), item)
    return SIMPLE.get(text)


def _value(kind: pa.DataType, text: str | None) -> Any:
    if text is None:
        return None
    return _nested(kind, json.loads(text)) if pa.types.is_nested(kind) else parsed(kind, text)


def _nested(kind: pa.DataType, value: Any) -> Any:
    if pa.types.is_map(kind):
        return [(key, _nested(kind.item_type, each)) for key, each in value.items()]
    if pa.types.is_list(kind):
        return [_nested(kind.value_type, each) for each in value]
    return parsed(kind, value) if isinstance(value, str) else value


def _kinds(answer: StatementResponse) -> dict[str, str]:
    schema = answer.manifest and answer.manifest.schema
    return {str(each.name): str(each.type_text) for each in (schema and schema.columns) or ()}


def _refuse_failed(answer: StatementResponse, name: str) -> None:
    status = answer.status
    if status and status.state is StatementState.SUCCEEDED:
        return
    said = str(status.error.message) if status and status.error else "no reason given"
    if status and status.state is StatementState.CANCELED:
        raise Problem(
            503, "Took too long", "the warehouse took too long; ask for fewer rows, or again when it is up"
        )
    if any(sign in said for sign in MISSING):
        detail = f"{name} is not there yet: a night makes it when it publishes its first rows; run one"
        raise Problem(404, "Not published yet", detail)
    if any(sign in said for sign in GONE):
        raise Problem(
            410, "Version is gone", f"{name} can no longer be read as of that version; ask for a newer one"
        )
    raise Problem(502, "The warehouse failed", said.splitlines()[0][:300])
