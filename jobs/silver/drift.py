"""Schema drift: fields that arrived but that no column takes as they are. Bronze keeps them in `_rescued`."""

from collections.abc import Iterable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import TABLES
from jobs.delta.frames import union
from jobs.delta.lake import Lake
from jobs.silver.pending import PendingBatch, is_of

# A source that makes up a name for every line must not fill the table.
MOST = 1000


def strange_fields(rows: DataFrame) -> DataFrame:
    """What `_rescued` of bronze rows holds. One row per source, night, field and type seen: `rows`.

    A field is there because it is unknown, or because it came in a type that does not fit its column. The
    type is that of JSON, without lengths: each decimal number has another.
    """
    fields = rows.where("_rescued IS NOT NULL").select(
        "source",
        F.col("_night").alias("night"),
        F.expr("explode(try_cast(_rescued AS MAP<STRING, VARIANT>)) AS (field, value)"),
    )
    kind = F.regexp_extract(F.expr("schema_of_variant(value)"), "^[A-Z]+", 0)
    return fields.groupBy("source", "night", "field", kind.alias("type")).agg(F.count("*").alias("rows"))


def record(lake: Lake, batches: Iterable[PendingBatch]) -> None:
    """Replace the drift of pending batches in `ops.schema_drift`. Safe to repeat."""
    drifted = [batch for batch in batches if batch.has_rescued]
    if not drifted:
        return
    frames = [
        lake.read(batch.bronze)
        .where(batch.is_own())
        .select(F.lit(batch.source.name).alias("source"), "_night", "_rescued")
        for batch in drifted
    ]
    found = strange_fields(union(frames)).orderBy(F.desc("rows"), "field").limit(MOST).collect()
    if found:
        frame = lake.spark.createDataFrame(found, TABLES["ops.schema_drift"].columns)
        lake.replace_where("ops.schema_drift", frame, is_of(drifted))
