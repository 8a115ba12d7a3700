"""SQL conditions, and unions: what queries about several nights and tables are put together from."""

from collections.abc import Iterable
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame


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
