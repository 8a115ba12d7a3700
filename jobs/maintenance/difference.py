"""What restoring an older version of some rows would change."""

from collections.abc import Sequence

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeUnique,
    ExpectCompoundColumnsToBeUnique,
)
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import Table
from expectations import suite
from jobs.delta.digests import hash_of
from jobs.delta.frames import union


def key_of(table: Table) -> tuple[str, ...]:
    """Return the columns that the table's suite expects to be unique together; empty if it expects none."""
    for expectation in suite(table.layer, table.name).expectations:
        if columns := _unique(expectation):
            return columns
    return ()


def _unique(expectation: Expectation) -> tuple[str, ...]:
    if getattr(expectation, "row_condition", None) is not None:
        return ()
    if isinstance(expectation, ExpectCompoundColumnsToBeUnique):
        return tuple(expectation.column_list)
    return (expectation.column,) if isinstance(expectation, ExpectColumnValuesToBeUnique) else ()


def difference(now: DataFrame, then: DataFrame, table: Table, key: Sequence[str]) -> DataFrame:
    """Compare the rows now with those of an older version.

    Columns `slice`, `added`, `removed`, `changed`: rows that are only in `then`, only in `now`, or in both
    under the same key with other values. Without a key nothing counts as changed. Grain: one row per slice
    that differs.
    """
    rows = union([_signed(then, table, key, 1), _signed(now, table, key, -1)])
    differing = rows.groupBy("slice", "key", "hash").agg(F.sum("sign").alias("n")).where("n <> 0")
    of_key = differing.groupBy("slice", "key").agg(
        F.expr("sum(greatest(n, 0))").alias("gains"), F.expr("sum(greatest(-n, 0))").alias("losses")
    )
    return of_key.groupBy("slice").agg(
        F.expr("sum(gains - least(gains, losses))").alias("added"),
        F.expr("sum(losses - least(gains, losses))").alias("removed"),
        F.expr("sum(least(gains, losses))").alias("changed"),
    )


def _signed(rows: DataFrame, table: Table, key: Sequence[str], sign: int) -> DataFrame:
    row = hash_of(table, table.column_names)
    return rows.select(
        F.col(table.slice).alias("slice"),
        (hash_of(table, key) if key else row).alias("key"),
        row.alias("hash"),
        F.lit(sign).alias("sign"),
    )


def existing_elsewhere(restored: DataFrame, others: DataFrame, table: Table, key: Sequence[str]) -> int:
    """Return how many restored rows have the key of a row that stays: their keys would be there twice."""
    if not key or table.slice in key:
        return 0
    return restored.join(others.select(*key), on=list(key), how="left_semi").count()
