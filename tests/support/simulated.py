"""Rows of simulated feeds, many nights at once."""

from collections.abc import Mapping
from datetime import date
from importlib import import_module
from importlib.util import find_spec

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.tables import SOURCES
from jobs.generate.arguments import FIRST_NIGHT
from jobs.generate.feed import BaseFeed, Feed
from jobs.generate.values import Values

FEEDS: dict[str, BaseFeed] = {
    source: import_module(f"jobs.generate.feeds.{source}").FEED
    for source in SOURCES
    if find_spec(f"jobs.generate.feeds.{source}")
}


def drawn(spark: SparkSession, feed: Feed, nights: Mapping[date, float], seed: int = 42) -> DataFrame:
    """Rows of a feed's nights (night -> scale) before anything goes wrong with them, and what is not landed of them.

    One frame for all nights costs as much as a delivery of one. That rows land as they are drawn here is proven in
    tests/simulator/test_generate.py. Columns beside the feed's: `night_index` and `row`, which numbers a night's rows.
    """
    indexes = [(night - FIRST_NIGHT).days for night in nights]
    counts = [feed.count(index, scale) for index, scale in zip(indexes, nights.values(), strict=True)]
    turn = f"cast(pmod(id, {len(nights)}) + 1 as int)"
    rows = (
        spark.range(0, len(nights) * max(counts), 1, 2)
        .selectExpr(
            f"element_at(array({', '.join(f'{index}L' for index in indexes)}), {turn}) AS night_index",
            f"id div {len(nights)} AS row",
            f"element_at(array({', '.join(map(str, counts))}), {turn}) AS _count",
        )
        .where("row < _count")
        .drop("_count")
    )
    for name, (kind, expression) in feed.columns(Values(seed, feed.source)).items():
        rows = rows.withColumn(name, F.expr(f"CAST({expression} AS {kind})"))
    return rows


def file_like_a_stream(source: str, kind: str) -> str:
    """A file's name by which a lake takes it for simulated, so that tests may put rows beside those of `generate`."""
    return f"{source}-{FIRST_NIGHT}-00000-00001-0-0.{kind}"
