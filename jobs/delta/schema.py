"""Tables as the catalog defines them: created when they are missing, widened when the catalog has new columns."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import functions as F

from catalog.columns import columns_of
from catalog.tables import TABLES, Table
from jobs.delta.digests import digests_of
from jobs.delta.frames import is_in
from jobs.errors import UsageError
from jobs.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameWriterV2

    from jobs.delta.lake import Lake

log = logging.getLogger("jobs")
VARIANTS = "Its VARIANT columns open in Spark, delta-rs and DuckDB; Polars cannot open the table."


def ensure(lake: Lake, names: Iterable[str]) -> None:
    """Create missing tables and their schemas; add missing columns to the others.

    Raises UsageError when a table has a column that the catalog lacks, one of another type, or its columns in
    another order.
    """
    wanted = [TABLES[name] for name in names]
    try:
        existing = _existing_columns(lake, wanted)
    except AnalysisException:  # a table is missing; whatever else is wrong is raised once more
        existing = _existing_columns(lake, _create_missing(lake, wanted))
    for table, columns in existing.items():
        if list(columns.items()) != list(_kinds(table.columns).items()):
            _widen(lake, table, columns)


def names(lake: Lake, layer: str) -> set[str]:
    """The bare names of the tables that a layer has; none before it has a schema."""
    return _names(lake, layer) if lake.spark.catalog.databaseExists(lake.settings.schema(layer)) else set()


def _names(lake: Lake, layer: str) -> set[str]:
    shown = lake.spark.sql(f"SHOW TABLES IN {lake.settings.schema(layer)}").collect()
    return {row.tableName for row in shown}


def create_with(lake: Lake, table: Table, rows: DataFrame) -> bool:
    """Create a table that is missing with its first rows in one commit; False when another job has made it."""
    ensure_schema(lake, table.layer)
    writer = _writer(lake, table, rows)
    return _create(lake, table, writer.create, writer.createOrReplace)


def _writer(lake: Lake, table: Table, rows: DataFrame) -> DataFrameWriterV2:
    writer = rows.select(*table.column_names).writeTo(lake.settings.table(table.full_name)).using("delta")
    writer = writer.tableProperty("comment", _comment(table))
    return writer.partitionedBy(*map(F.col, table.partition_by)) if table.partition_by else writer


def _create_empty(lake: Lake, table: Table) -> None:
    def replace() -> None:
        _writer(lake, table, lake.spark.createDataFrame([], table.columns)).createOrReplace()

    _create(lake, table, partial(lake.spark.sql, _ddl(table, lake.settings)), replace)


def ensure_schema(lake: Lake, layer: str) -> None:
    """Create the schema of a layer if it is missing."""
    # Where an administrator has made the schemas, a job may not even ask for one that is there.
    if not lake.spark.catalog.databaseExists(lake.settings.schema(layer)):
        lake.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {lake.settings.schema(layer)}")


def _create_missing(lake: Lake, wanted: Iterable[Table]) -> list[Table]:
    """Create the tables that are missing, and their schemas; return the others."""
    present = []
    for layer in dict.fromkeys(table.layer for table in wanted):
        ensure_schema(lake, layer)
        there = _names(lake, layer)
        for table in wanted:
            if table.layer == layer and table.name in there:
                present.append(table)
            elif table.layer == layer:
                _create_empty(lake, table)
    return present


def _create(
    lake: Lake, table: Table, create: Callable[[], object], replace: Callable[[], object], attempts: int = 3
) -> bool:
    """Create a table; False when another job has done so at the same time: Delta lets one of them win.

    `replace` does so in a folder in which a job that was killed has left something.
    """
    try:
        create()
    except PySparkException as error:
        if lake.exists(table.full_name):
            return False
        if attempts == 1:
            raise
        # The other one may have written the table's log, and not entered it in the catalog yet.
        time.sleep(1)
        if lake.exists(table.full_name):
            return False
        if attempts == 2 and _is_left_over(lake, error):
            create = replace
        return _create(lake, table, create, replace, attempts - 1)
    return True


def _is_left_over(lake: Lake, error: PySparkException) -> bool:
    """Whether a table cannot be created for what is in its folder, and that is what a job that creates it leaves.

    Killed, it leaves files without a log, or a log with the one commit that no catalog knows of. Whoever has lost the
    catalog has tables with more of them, which nothing may replace.
    """
    folder = (error.getMessageParameters() or {}).get("tableLocation")
    if error.getCondition() != "DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION" or not folder:
        return False
    path = folder.replace("`", "``")
    try:
        commits = lake.spark.sql(f"DESCRIBE HISTORY delta.`{path}`").collect()
    except AnalysisException as no_table:
        return no_table.getCondition() == "DELTA_TABLE_ONLY_OPERATION"
    return [commit.version for commit in commits] == [0]


def _existing_columns(lake: Lake, tables: Iterable[Table]) -> dict[Table, dict[str, str]]:
    """Column name -> Spark's name of its type, of each table as it is; asked in one request, and nothing is read."""
    rows = {table: lake.read(table.full_name) for table in tables}
    as_structs = [frame.select(F.struct("*")).scalar() for frame in rows.values()]
    found = lake.spark.range(1).select(*as_structs).schema.fields if rows else []
    return {table: _kinds_of(field.dataType) for table, field in zip(rows, found, strict=True)}


def _ddl(table: Table, settings: Settings) -> str:
    partitions = f"PARTITIONED BY ({', '.join(table.partition_by)})" if table.partition_by else ""
    columns = ", ".join(f"`{name}` {kind}" for name, kind in columns_of(table.columns).items())
    # Variants and partitions go to disk as written; nothing here needs a newer reader than Delta 4.
    return (
        f"CREATE TABLE {settings.table(table.full_name)} ({columns}) USING DELTA "
        f"{partitions} COMMENT {_quoted(_comment(table))}"
    )


def _quoted(text: str) -> str:
    return f"'{text.replace(chr(39), chr(39) * 2)}'"


def _comment(table: Table) -> str:
    return f"{table.grain} {VARIANTS}" if " VARIANT" in table.columns else table.grain


def _kinds_of(row: Any) -> dict[str, str]:
    return {field.name: field.dataType.simpleString() for field in row.fields}


def _kinds(columns: str) -> dict[str, str]:
    """Return the catalog's columns with Spark's names of their types, where the catalog uses the usual ones."""
    return {name: kind.lower().replace(" ", "") for name, kind in columns_of(columns).items()}


def _widen(lake: Lake, table: Table, existing: dict[str, str]) -> None:
    """Add the columns that only the catalog has, each at its position; they are null in existing rows."""
    # A type has several names: INTEGER is INT.
    wanted = _kinds_of(lake.spark.createDataFrame([], table.columns).schema)
    where = f"{lake.settings.table(table.full_name).replace('`', '')} has column"
    # So was `raw` in quarantine once. Only there: a table with digests would have others afterwards.
    texts = [name for name, kind in existing.items() if (kind, wanted.get(name)) == ("variant", "string")]
    texts = texts if table.layer == "ops" else []
    for name, kind in existing.items():
        if name not in wanted:
            raise UsageError(f"{where} {name}, the catalog does not; put it back there, or begin a new lake")
        if wanted[name] != kind and name not in texts:
            raise UsageError(
                f"{where} {name} as {kind}, the catalog as {wanted[name]}; give the new one another name, or "
                "begin a new lake"
            )
    for name, other in zip(existing, (name for name in wanted if name in existing), strict=True):
        if name != other:
            raise UsageError(
                f"{where} {name} where the catalog has {other}; give the columns there the table's order, or "
                "begin a new lake"
            )
    if texts:
        _write_as_text(lake, table)
        log.info("%-28s now JSON as text: %s", table.full_name, ", ".join(texts))
    added = {name: kind for name, kind in columns_of(table.columns).items() if name not in existing}
    if not added:
        return
    _renew_digests(lake, table, existing, added)
    positions = dict(zip(wanted, ["FIRST", *(f"AFTER `{name}`" for name in wanted)], strict=False))
    new = ", ".join(f"`{name}` {kind} {positions[name]}" for name, kind in added.items())
    lake.spark.sql(f"ALTER TABLE {lake.settings.table(table.full_name)} ADD COLUMNS ({new})")
    log.info("%-28s new columns: %s", table.full_name, ", ".join(added))


def with_texts(rows: DataFrame, table: Table) -> DataFrame:
    """Return rows of a table with what was VARIANT once, and is STRING in the catalog by now, as its JSON."""
    texts = [name for name, kind in rows.dtypes if (kind, table.types.get(name)) == ("variant", "STRING")]
    return rows.withColumns({name: F.to_json(name) for name in texts}) if texts else rows


def _write_as_text(lake: Lake, table: Table) -> None:
    """Write a table anew with its columns as the catalog has them, in one commit, and its comment."""
    writer = with_texts(lake.read(table.full_name), table).write.format("delta").mode("overwrite")
    writer = writer.option("overwriteSchema", "true").partitionBy(*table.partition_by)
    writer.saveAsTable(lake.settings.table(table.full_name))
    lake.spark.sql(f"COMMENT ON TABLE {lake.settings.table(table.full_name)} IS {_quoted(_comment(table))}")


def _renew_digests(lake: Lake, table: Table, existing: dict[str, str], added: dict[str, str]) -> None:
    """Save the digests that the table will have with its new columns.

    Only of slices whose saved digest still holds: a broken one must stay broken. This comes before the columns are
    added, so that after a crash between the two both can be repeated.
    """
    if not lake.exists("ops.digests"):
        return
    saved = lake.read("ops.digests").where(F.col("table") == table.full_name).collect()
    if not saved:
        return
    rows = lake.read(table.full_name)
    before = replace(table, columns=", ".join(f"{name} {kind.upper()}" for name, kind in existing.items()))
    now = {(found.night, found.digest) for found in digests_of({before: rows})}
    sound = {row.night for row in saved if (row.night, row.digest) in now}
    widened = rows.withColumns({name: F.lit(None).cast(kind) for name, kind in added.items()})
    found = digests_of({table: widened.where(is_in(table.slice, sound))})
    lake.record_digests({table.full_name: sound}, found)
