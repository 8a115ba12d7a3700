"""Digests of a table's slices: numbers that change with any row, value or null, but not with the order of rows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.columns import columns_of
from catalog.tables import Table
from jobs.delta.frames import union

HALF_BITS = 32


def hash_of(table: Table, columns: Iterable[str], alias: str = "") -> Column:
    """Return a 64-bit hash of some of a table's columns; `alias` ends in a dot.

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
    code: str | None = None  # of a gold slice, a hash of what it was built by


def digests_of(rows: Mapping[Table, DataFrame], but: Collection[str] = ()) -> list[Digest]:
    """Compute the digests of the slices that some rows of each table make up, without some columns, in one query."""
    if not rows:
        return []
    hashes = union(
        frame.select(
            F.lit(table.full_name).alias("table"),
            F.col(table.slice).alias("night"),
            hash_of(table, [name for name in table.column_names if name not in but]).alias("hash"),
        )
        for table, frame in rows.items()
    )
    # Summed in halves, as integers that two thousand million rows cannot overflow.
    row_hash = F.col("hash")
    halves = hashes.groupBy("table", "night").agg(
        F.count("*").alias("rows"),
        F.sum(F.shiftright(row_hash, HALF_BITS)).alias("high"),
        F.sum(row_hash.bitwiseAND(F.lit((1 << HALF_BITS) - 1))).alias("low"),
    )
    return [
        Digest(row.table, row.night, row.rows, str((row.high << HALF_BITS) + row.low))
        for row in halves.collect()
    ]
