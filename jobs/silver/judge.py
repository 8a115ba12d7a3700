"""Judging bronze rows: what keeps a row out of silver, and which of several rows with one key wins."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from catalog.tables import SILVER, Source
from jobs.delta.digests import hash_of
from jobs.silver.clean import clean

MALFORMED = "line is not a record"
MISTYPED = "a field does not have the type of its column"


def judge(rows: DataFrame, source: Source, known_devices: DataFrame) -> DataFrame:
    """Clean bronze rows and say of each what keeps it out of silver (`_reasons`) and what it met (`_flags`).

    Grain: one row per bronze row. `_line` keeps the bronze row as it was.
    """
    # Imported when used, for what Great Expectations takes to import; see `jobs/silver/stage.py`.
    from expectations import suite
    from jobs.silver.rules import reasons

    kept = [*source.fields, "_rescued", "_malformed"]
    cleaned = clean(rows.withColumn("_line", F.struct(*kept)), known_devices, source)
    rules = suite("silver", source.silver)
    known = F.array(*[F.lit(name) for name in source.fields])
    rescued_names = F.expr("coalesce(json_object_keys(to_json(_line._rescued)), array())")
    is_mistyped = F.arrays_overlap(rescued_names, known)
    broken = reasons(rules, "quarantine")
    return cleaned.withColumns(
        {
            "_reasons": F.when(F.col("_malformed").isNotNull(), F.array(F.lit(MALFORMED)))
            .when(is_mistyped, F.concat(F.array(F.lit(MISTYPED)), broken))
            .otherwise(broken),
            "_flags": reasons(rules, "flag"),
        }
    )


def rank(judged: DataFrame, source: Source) -> DataFrame:
    """Order the good rows of each key: `_rank` 1 wins, the others are duplicates of it; null for bad rows.

    The earliest arrival wins, and among arrivals of one night the smallest hash, so that the winner does not
    depend on the order in which nights or files are worked on.
    """
    is_good = F.size("_reasons") == 0
    first = Window.partitionBy(is_good, *source.key).orderBy("_night", content(source.silver))
    return judged.withColumn("_rank", F.when(is_good, F.row_number().over(first)))


def content(table: str, alias: str = "") -> Column:
    """Hash of a silver row's business columns."""
    own = [name for name in SILVER[table].column_names if name[0] != "_"]
    return hash_of(SILVER[table], own, alias)
