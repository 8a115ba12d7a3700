"""Validation: what keeps a bronze row out of silver, and its outcome among the rows of its key."""

from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.records import WITHOUT_RECORDS
from catalog.repeated import DISAGREES
from catalog.tables import Source
from catalog.tables import validated as staged
from jobs.bronze.arrival import latest_time
from jobs.delta.lake import Lake
from jobs.silver.clean import clean
from jobs.silver.lookups import known_devices
from jobs.silver.misfits import with_misfits
from jobs.silver.pending import PendingBatch
from jobs.silver.ranking import as_existing, ranked
from jobs.table_functions import find_table_function

# Rows of a batch: for fewer the plan of two ways costs more, and for more their keys may not fit into memory.
LARGE = range(100_000, 2_000_001)
MALFORMED = "malformed record"


def validated(lake: Lake, batch: PendingBatch) -> DataFrame:
    """Validate and rank the rows of a batch. Grain: one row per bronze row; columns of `catalog.tables.validated`."""
    rows = lake.read(batch.bronze).where(batch.is_own())
    devices = known_devices(lake, batch.silver.lookup)
    if _is_split(batch):
        found = _split(lake, batch, rows, devices)
    else:
        kept = _kept(rows, batch.source, devices, has_rescued=batch.has_rescued)
        if batch.source.policy == "conflict":
            kept = kept.join(_disputed(lake, batch), on="_key", how="left")
        found = ranked(kept, existing(lake, batch), batch.source)
    return found.select(*batch.validated.column_names)


def validated_at_once(rows: DataFrame, source: Source, devices: DataFrame | None) -> DataFrame:
    """What `validated` gives of all rows that a source has, of every night: none of their keys is in silver yet.

    Asks Spark for nothing; `devices` as `known_devices` gives them.
    """
    kept = _kept(rows, source, devices)
    if source.policy == "conflict":
        kept = kept.withColumn("_is_disputed", F.lit(False))
    nothing = kept.withColumn("_values_night", F.col("_night")).where(F.lit(False))
    found = ranked(kept, as_existing(nothing, source, F.lit(False)), source)
    return found.select(*staged(source).column_names)


def _is_split(batch: PendingBatch) -> bool:
    """Whether it pays to rank only the rows whose key comes more than once, which need not all be kept in order."""
    is_read_as_it_is = find_table_function("clean", batch.silver) is None
    return batch.source.policy == "first" and is_read_as_it_is and batch.rows in LARGE


def _split(lake: Lake, batch: PendingBatch, rows: DataFrame, devices: DataFrame | None) -> DataFrame:
    """What `validated` gives: of most rows, whose keys come once, without moving or sorting them."""
    source, key = batch.source, list(batch.source.key)
    keys = rows.select(*key).dropna()
    several = F.broadcast(keys.groupBy(*key).count().where("count > 1").select(*key))
    known = F.broadcast(existing(lake, batch, F.broadcast(keys)))
    kept = partial(_kept, source=source, devices=devices, has_rescued=batch.has_rescued)
    once = kept(rows.join(several, on=key, how="leftanti"))
    often = kept(rows.join(several, on=key, how="leftsemi"))
    return ranked(once, known, source, comes_once=True).unionByName(ranked(often, known, source))


def _kept(
    rows: DataFrame, source: Source, devices: DataFrame | None, *, has_rescued: bool = True
) -> DataFrame:
    """Bronze rows as `ranked` takes them."""
    # The line is kept of bad rows only, and before ranking moves the rows about.
    return validate(rows, source, devices, has_rescued=has_rescued).withColumns(
        {
            "_key": F.concat_ws(",", *[_part_of_key(name, source) for name in source.key]),
            "_raw": F.when(F.size("_reasons") > 0, F.expr("to_variant_object(_line)")),
        }
    )


def _part_of_key(name: str, source: Source) -> Column:
    """A column of the key as text, in which a comma within a value differs from those between columns."""
    text = F.col(name).cast("string")
    if len(source.key) == 1 or source.fields[name] != "STRING":
        return text
    return F.regexp_replace(text, r"([,\\])", r"\\$1")


def existing(lake: Lake, batch: PendingBatch, keys: DataFrame | None = None) -> DataFrame:
    """The rows of silver that may have a key of the batch, or that have one of `keys`, as `as_existing` gives them."""
    rows = lake.read(batch.silver.full_name).where(batch.may_share_a_key())
    if keys is not None:
        rows = rows.join(keys, on=list(batch.source.key), how="leftsemi")
    return as_existing(rows, batch.source, batch.is_own())


def _disputed(lake: Lake, batch: PendingBatch) -> DataFrame:
    """The keys that are in conflict in other nights: `_key` and `_is_disputed`, which is true."""
    rows = (
        lake.read("ops.quarantine").where(F.col("source") == batch.source.name).where(~batch.is_own("night"))
    )
    keys = (
        rows.where(F.array_contains("reasons", DISAGREES["conflict"]))
        .select(F.col("key").alias("_key"))
        .distinct()
    )
    return keys.withColumn("_is_disputed", F.lit(True))


def validate(
    rows: DataFrame, source: Source, known_devices: DataFrame | None, *, has_rescued: bool = True
) -> DataFrame:
    """Clean bronze rows and say of each what keeps it out of silver (`_reasons`) and what it met (`_flags`).

    Grain: one row per bronze row. `_line` keeps the bronze row as it was. `has_rescued`: some rows may have `_rescued`.
    """
    # Imported when used, for what Great Expectations takes to import; see `jobs/silver/stage.py`.
    from expectations import suite
    from jobs.silver.rules import reasons

    kept = [*source.fields, "_rescued", "_malformed"]
    cleaned = clean(rows.withColumn("_line", F.struct(*kept)), known_devices, source)
    rules = suite("silver", source.silver)
    # A table's own function may say nothing of a row.
    own = F.coalesce("_misfits", F.array().cast("array<string>"))
    broken = F.concat("_rescued_misfits", own, reasons(rules, "quarantine"))
    checked = with_misfits(cleaned, source, has_rescued=has_rescued)
    return checked.withColumn("_latest_time", latest_time()).withColumns(
        {
            "_reasons": F.when(F.col("_malformed").isNotNull(), F.array(_why_malformed(source))).otherwise(
                broken
            ),
            "_flags": reasons(rules, "flag"),
        }
    )


def _why_malformed(source: Source) -> Column:
    if not source.is_rewritten:
        return F.lit(MALFORMED)
    said = F.regexp_extract("_malformed", WITHOUT_RECORDS, 1)
    return F.when(said != "", F.concat(F.lit(f"{MALFORMED}: "), said)).otherwise(MALFORMED)
