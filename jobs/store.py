"""Reads and writes of Delta tables: SQL and DataFrame API only, so that serverless runs it too."""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.settings import Settings
from jobs.tables import TABLES, Table


def read(spark: SparkSession, settings: Settings, name: str) -> DataFrame:
    """Read a table of the catalog, given as `layer.name`."""
    return spark.table(settings.table(name))


def ensure(spark: SparkSession, settings: Settings, names: Iterable[str]) -> None:
    """Create the tables that do not exist yet, and their schemas."""
    wanted = [TABLES[name] for name in names]
    for layer in dict.fromkeys(table.layer for table in wanted):
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {settings.schema(layer)}")
        present = {row.tableName for row in spark.sql(f"SHOW TABLES IN {settings.schema(layer)}").collect()}
        for table in wanted:
            if table.layer == layer and table.name not in present:
                spark.sql(_ddl(table, settings))


def _ddl(table: Table, settings: Settings) -> str:
    partitions = f"PARTITIONED BY ({', '.join(table.partition_by)})" if table.partition_by else ""
    # Variants and partitions go to disk as written; nothing here needs a newer reader than Delta 4.
    return (
        f"CREATE TABLE IF NOT EXISTS {settings.table(table.full_name)} ({_quoted_columns(table)}) USING DELTA "
        f"{partitions} COMMENT '{table.grain.replace(chr(39), chr(39) * 2)}'"
    )


def _quoted_columns(table: Table) -> str:
    columns = (column.strip().split(" ", 1) for column in table.columns.split(", "))
    return ", ".join(f"`{name}` {kind}" for name, kind in columns)


def append(spark: SparkSession, settings: Settings, name: str, frame: DataFrame) -> None:
    """Append rows to a table in one commit."""
    ordered = frame.select(*TABLES[name].column_names)
    ordered.write.format("delta").mode("append").saveAsTable(settings.table(name))


def overwrite(settings: Settings, name: str, frame: DataFrame) -> None:
    """Replace all rows of a table in one commit."""
    ordered = frame.select(*TABLES[name].column_names)
    ordered.write.format("delta").mode("overwrite").saveAsTable(settings.table(name))


def replace_where(settings: Settings, name: str, frame: DataFrame, condition: str) -> None:
    """Replace the rows that meet a condition in one commit; every row of the frame must meet it."""
    ordered = frame.select(*TABLES[name].column_names)
    ordered.write.format("delta").mode("overwrite").option("replaceWhere", condition).saveAsTable(
        settings.table(name)
    )


def upsert(settings: Settings, name: str, frame: DataFrame, key: Sequence[str]) -> None:
    """Insert rows, or update those with the same key, in one commit."""
    ordered = frame.select(*TABLES[name].column_names).alias("new")
    same = [F.expr(f"new.`{column}` <=> {TABLES[name].name}.`{column}`") for column in key]
    ordered.mergeInto(
        settings.table(name), reduce(Column.__and__, same)
    ).whenMatched().updateAll().whenNotMatched().insertAll().merge()


def version(spark: SparkSession, settings: Settings, name: str) -> int:
    """The newest version of a table."""
    newest = spark.sql(f"DESCRIBE HISTORY {settings.table(name)} LIMIT 1").first()
    return int(newest.version) if newest else 0


def rows_written(spark: SparkSession, settings: Settings, name: str, since: int) -> int:
    """Rows that the commits after a version wrote."""
    commits = spark.sql(f"DESCRIBE HISTORY {settings.table(name)}").where(F.col("version") > since).collect()
    return sum(int(commit.operationMetrics.get("numOutputRows", 0)) for commit in commits)


def dates(column: str, values: Iterable[date]) -> str:
    """SQL condition: the DATE column is one of the values; false when there are none."""
    listed = ", ".join(f"DATE'{value}'" for value in sorted(set(values)))
    return f"`{column}` IN ({listed})" if listed else "false"


def digests(
    spark: SparkSession, settings: Settings, name: str, nights: Iterable[date] | None = None
) -> DataFrame:
    """Order-independent digest of a table's slices (all of them when no nights are given).

    Grain: table, night. The digest is the sum of the rows' 64-bit hashes, in decimal arithmetic, so that
    neither the order of rows nor their number can make it overflow or wrap.
    """
    table = TABLES[name]
    rows = read(spark, settings, name)
    if nights is not None:
        rows = rows.where(dates(table.slice, nights))
    row_hash = F.xxhash64(*table.column_names).cast("decimal(38,0)")
    return rows.groupBy(F.col(table.slice).alias("night")).agg(
        F.lit(name).alias("table"),
        F.count("*").alias("rows"),
        F.sum(row_hash).cast("string").alias("digest"),
        F.lit(settings.run_id).alias("run_id"),
    )


def record_digests(spark: SparkSession, settings: Settings, slices: dict[str, Iterable[date] | None]) -> None:
    """Replace the digests of the given tables' slices in `ops.digests`, one commit for all."""
    if not slices:
        return
    fresh = reduce(
        DataFrame.unionByName, (digests(spark, settings, name, nights) for name, nights in slices.items())
    )
    # Not an upsert: a slice that has no rows any more must lose its digest too.
    replaced = [
        f"`table` = '{name}'" + ("" if nights is None else f" AND {dates('night', nights)}")
        for name, nights in slices.items()
    ]
    replace_where(settings, "ops.digests", fresh, " OR ".join(f"({condition})" for condition in replaced))
