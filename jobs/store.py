"""Reads and writes of Delta tables: SQL and DataFrame API only, so that serverless runs it too."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, DataFrameWriter, SparkSession
from pyspark.sql import functions as F

from catalog.pipeline import writers_of
from catalog.tables import TABLES, Table, columns_of
from jobs.errors import JobError
from jobs.settings import Settings

HALF_BITS = 32


def read(spark: SparkSession, settings: Settings, name: str) -> DataFrame:
    """Read a table of the catalog, given as `layer.name`."""
    return spark.table(settings.table(name))


def read_staged(spark: SparkSession, settings: Settings, gold: str) -> DataFrame:
    """Read what this run has staged of a gold table, given by its bare name; columns of the gold table."""
    rows = read(spark, settings, f"staging.gold_{gold}")
    return rows.where(F.col("run_id") == settings.run_id).drop("run_id")


def missing(settings: Settings, error: AnalysisException) -> JobError | None:
    """What to do about a table that is not there, if that is what went wrong: the stage that makes it."""
    for name in TABLES:
        if error.getCondition() == "TABLE_OR_VIEW_NOT_FOUND" and settings.table(name) in str(error):
            # Of `ops`, silver makes those that other stages read.
            maker = (*writers_of(name), "silver")[0]
            return JobError(
                f"there is no table {settings.table(name).replace('`', '')} yet; run `{maker}` before "
                f"`{settings.stage}`"
            )
    return None


def note(settings: Settings) -> str:
    """What a commit says of the job that makes it; `history-of` reads it. A merge has no room for it."""
    about = {"run_id": settings.run_id, "stage": settings.step, "night": str(settings.night)}
    return json.dumps(about)


def _writer(settings: Settings, name: str, frame: DataFrame, mode: str) -> DataFrameWriter:
    ordered = frame.select(*TABLES[name].column_names)
    return ordered.write.format("delta").mode(mode).option("userMetadata", note(settings))


def append(settings: Settings, name: str, frame: DataFrame, once: tuple[str, int] | None = None) -> None:
    """Append rows to a table in one commit.

    `once` is whose commit it is, and its number: Delta leaves out one whose number is not above the last of his.
    """
    writer = _writer(settings, name, frame, "append")
    if once:
        writer = writer.option("txnAppId", once[0]).option("txnVersion", once[1])
    writer.saveAsTable(settings.table(name))


def overwrite(settings: Settings, name: str, frame: DataFrame) -> None:
    """Replace all rows of a table in one commit."""
    _writer(settings, name, frame, "overwrite").saveAsTable(settings.table(name))


def replace_where(settings: Settings, name: str, frame: DataFrame, condition: str) -> None:
    """Replace the rows that meet a condition in one commit; every row of the frame must meet it."""
    writer = _writer(settings, name, frame, "overwrite").option("replaceWhere", condition)
    writer.saveAsTable(settings.table(name))


def upsert(settings: Settings, name: str, frame: DataFrame, key: Sequence[str]) -> None:
    """Insert rows, or update those with the same key, in one commit."""
    ordered = frame.select(*TABLES[name].column_names).alias("new")
    same = [F.expr(f"new.`{column}` <=> {TABLES[name].name}.`{column}`") for column in key]
    ordered.mergeInto(
        settings.table(name), reduce(Column.__and__, same)
    ).whenMatched().updateAll().whenNotMatched().insertAll().merge()


def union(frames: Iterable[DataFrame]) -> DataFrame:
    """Rows of all frames, columns matched by name: one Spark job instead of several."""
    return reduce(DataFrame.unionByName, frames)


def texts(column: str, values: Iterable[str]) -> str:
    """SQL condition: the STRING column is one of the values, which hold no quotes; false when there are none."""
    listed = ", ".join(f"'{value}'" for value in sorted(set(values)))
    return f"`{column}` IN ({listed})" if listed else "false"


def dates(column: str, values: Iterable[date]) -> str:
    """SQL condition: the DATE column is one of the values; false when there are none."""
    listed = ", ".join(f"DATE'{value}'" for value in sorted(set(values)))
    return f"`{column}` IN ({listed})" if listed else "false"


def following(dates: Iterable[date], days: int) -> set[date]:
    """The dates, and as many days after each, up to the last of the calendar."""
    spans = [timedelta(later) for later in range(days + 1)]
    return {day + span for day in dates for span in spans if day <= date.max - span}


def preceding(dates: Iterable[date], days: int) -> set[date]:
    """The dates, and as many days before each, down to the first of the calendar."""
    spans = [timedelta(earlier) for earlier in range(days + 1)]
    return {day - span for day in dates for span in spans if day >= date.min + span}


def hash_of(table: Table, columns: Iterable[str], alias: str = "") -> Column:
    """A 64-bit hash of some of a table's columns; `alias` ends in a dot.

    Variants have neither hash nor equality: they count as their JSON, whose keys Spark keeps in order. Spark
    passes over nulls, so where they stand is hashed too: else (null, 'a') would be the same as ('a', null).
    """
    kinds = columns_of(table.columns)
    named = {name: F.col(f"{alias}{name}") for name in columns}
    values = [F.to_json(c) if kinds[name] == "VARIANT" else c for name, c in named.items()]
    return F.xxhash64(*values, *[column.isNull() for column in named.values()])


@dataclass(frozen=True)
class Digest:
    """Order-independent digest of a table's slice: the sum of its rows' 64-bit hashes."""

    table: str
    night: date
    rows: int
    digest: str


def digests(
    spark: SparkSession, settings: Settings, name: str, nights: Iterable[date] | None = None
) -> list[Digest]:
    """Compute the digests of a table's slices, all of them when no nights are given."""
    table = TABLES[name]
    rows = read(spark, settings, name)
    return digests_of(rows if nights is None else rows.where(dates(table.slice, nights)), table)


def digests_of(rows: DataFrame, table: Table) -> list[Digest]:
    """Compute the digests of the slices of a table that some of its rows make up."""
    row_hash = hash_of(table, table.column_names)
    # Summed in halves, as integers that two thousand million rows cannot overflow.
    halves = rows.groupBy(F.col(table.slice).alias("night")).agg(
        F.count("*").alias("rows"),
        F.sum(F.shiftright(row_hash, HALF_BITS)).alias("high"),
        F.sum(row_hash.bitwiseAND(F.lit((1 << HALF_BITS) - 1))).alias("low"),
    )
    return [
        Digest(table.full_name, row.night, row.rows, str((row.high << HALF_BITS) + row.low))
        for row in halves.collect()
    ]


def record_digests(
    spark: SparkSession,
    settings: Settings,
    slices: Mapping[str, Iterable[date] | None],
    found: Iterable[Digest],
) -> None:
    """Replace the digests of the given slices in `ops.digests` with those found, in one commit."""
    if not slices:
        return
    rows = [(each.table, each.night, each.rows, each.digest, settings.run_id) for each in found]
    fresh = spark.createDataFrame(rows, TABLES["ops.digests"].columns)
    # Not an upsert: a slice that has no rows any more must lose its digest too.
    replaced = [
        f"`table` = '{name}'" + ("" if nights is None else f" AND {dates('night', nights)}")
        for name, nights in slices.items()
    ]
    replace_where(settings, "ops.digests", fresh, " OR ".join(f"({condition})" for condition in replaced))
