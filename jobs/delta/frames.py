"""What queries about several tables, nights or sources are put together from."""

import json
from collections.abc import Callable, Hashable, Iterable, Mapping
from operator import and_, attrgetter, or_
from typing import TypeVar, cast

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructType

Part = TypeVar("Part")
Key = TypeVar("Key", bound=Hashable)


def folded(join: Callable[[Part, Part], Part], parts: Iterable[Part]) -> Part:
    """Join parts, at least one, in their order and in pairs, then the pairs, and so on.

    One after the other, each would be nested within the next: Spark Connect takes a hundred levels, less than forty
    columns.
    """
    left = [*parts]
    while len(left) > 1:
        pairs = [join(*left[at : at + 2]) for at in range(0, len(left) - 1, 2)]
        left = [*pairs, *left[2 * len(pairs) :]]
    return left[0]


def union(frames: Iterable[DataFrame]) -> DataFrame:
    """Rows of all frames, columns matched by name: one query instead of several."""
    return folded(DataFrame.unionByName, frames)


def is_in(column: str, values: Iterable[object]) -> Column:
    """Whether a column is one of the values, which Delta skips files by; false when there are none."""
    return F.col(column).isin(sorted(set(values), key=str))


def any_of(conditions: Iterable[Column]) -> Column:
    """Whether at least one of the conditions holds; false when there are none."""
    return folded(or_, [F.lit(False), *conditions])


def numbered(stem: str, keys: Iterable[Key]) -> dict[Key, str]:
    """Return key -> the name of a helping column for it: `stem` and a number, whatever the key is called.

    What a query uses more than once goes into such columns, since Spark would plan and compile it as often.
    """
    return {key: f"{stem}_{number}" for number, key in enumerate(keys)}


def map_of(texts: Mapping[str, str]) -> Column:
    """Return texts as a literal: MAP<STRING, STRING>. One expression, where `create_map` has two for each entry."""
    return F.from_json(F.lit(json.dumps(texts)), "MAP<STRING, STRING>")


def is_same(key: Iterable[str], alias: str, other: str) -> Column:
    """Whether the rows of two aliases have the same key; null is the same as nothing."""
    return folded(and_, [F.col(f"{alias}.`{name}`") == F.col(f"{other}.`{name}`") for name in key])


def collect_together(frames: Mapping[str, DataFrame]) -> dict[str, tuple[list[str], list[Row]]]:
    """Columns and rows of each frame, in the frame's order; collected in one query."""
    if not frames:
        return {}
    place = F.monotonically_increasing_id().alias("place")
    gathered = [
        frame.select(F.struct(place, F.struct("*").alias("row")).alias("found"))
        .agg(F.collect_list("found"))
        .scalar()
        .alias(f"_{i}")
        for i, frame in enumerate(frames.values())
    ]
    together = next(iter(frames.values())).sparkSession.range(1).select(*gathered)
    (answers,) = together.collect()
    kinds = [cast(ArrayType, field.dataType).elementType for field in together.schema]
    columns = [cast(StructType, cast(StructType, kind)["row"].dataType).names for kind in kinds]
    rows = [[found.row for found in sorted(answer, key=attrgetter("place"))] for answer in answers]
    return dict(zip(frames, zip(columns, rows, strict=True), strict=True))
