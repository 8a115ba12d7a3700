"""What queries about several tables, nights or sources are put together from."""

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import cast

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import StructType


def union(frames: Iterable[DataFrame]) -> DataFrame:
    """Rows of all frames, columns matched by name: one query instead of several."""
    return reduce(DataFrame.unionByName, frames)


def is_in(column: str, values: Iterable[object]) -> Column:
    """Whether a column is one of the values, which Delta skips files by; false when there are none."""
    return F.col(column).isin(sorted(set(values), key=str))


def any_of(conditions: Iterable[Column]) -> Column:
    """Whether at least one of the conditions holds; false when there are none."""
    return reduce(Column.__or__, conditions, F.lit(False))


def is_same(key: Iterable[str], alias: str, other: str) -> Column:
    """Whether the rows of two aliases have the same key; null is the same as nothing."""
    return reduce(Column.__and__, [F.col(f"{alias}.`{name}`") == F.col(f"{other}.`{name}`") for name in key])


def rows_of(frames: Mapping[str, DataFrame]) -> dict[str, int]:
    """Rows of each frame, counted in one query."""
    if not frames:
        return {}
    named = union(frame.select(F.lit(name).alias("name")) for name, frame in frames.items())
    counted = {row["name"]: row["count"] for row in named.groupBy("name").count().collect()}
    return {name: counted.get(name, 0) for name in frames}


def collect_together(frames: Mapping[str, DataFrame]) -> dict[str, tuple[list[str], list[Row]]]:
    """Columns and rows of each frame, in the frame's order; collected in one query."""
    if not frames:
        return {}
    wrapped = [
        frame.select(
            F.lit(i).alias("_frame"),
            F.monotonically_increasing_id().alias("_at"),
            F.struct("*").alias(f"_{i}"),
        )
        for i, frame in enumerate(frames.values())
    ]
    together = reduce(lambda all_, each: all_.unionByName(each, allowMissingColumns=True), wrapped)
    columns = [cast(StructType, together.schema[f"_{i}"].dataType).names for i in range(len(wrapped))]
    rows: list[list[Row]] = [[] for _ in wrapped]
    for row in sorted(together.collect(), key=lambda row: (row._frame, row._at)):
        rows[row._frame].append(row[f"_{row._frame}"])
    return dict(zip(frames, zip(columns, rows, strict=True), strict=True))
