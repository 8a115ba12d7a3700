"""Reconciliation: each bronze row of a batch has one outcome, and is counted where that is kept."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import Source
from jobs.bronze.stage import landed_lines
from jobs.delta.digests import Digest
from jobs.delta.frames import union
from jobs.delta.lake import Lake
from jobs.delta.staging import Staging
from jobs.silver.pending import PendingBatch, is_of
from jobs.silver.ranking import CORRECTION, DUPLICATE, QUARANTINED
from jobs.state.accounts import Account

RowsOf = Callable[[PendingBatch], DataFrame]
LANDED = "landed"  # what every line is, beside its outcome


def quarantine(lake: Lake, staging: Staging, batches: Sequence[PendingBatch]) -> None:
    """Replace what quarantine holds of the batches, in one commit."""
    if not batches:
        return
    rejected = union(refused(staging.read(batch.validated), batch.source) for batch in batches)
    lake.replace_where("ops.quarantine", rejected, is_of(batches))


def refused(validated: DataFrame, source: Source) -> DataFrame:
    """The validated rows of a source that silver does not take; columns of `ops.quarantine`."""
    return validated.where(F.col("_outcome") == QUARANTINED).select(
        F.lit(source.name).alias("source"),
        F.col("_night").alias("night"),
        F.col("_key").alias("key"),
        F.to_json("_raw").alias("raw"),
        F.col("_reasons").alias("reasons"),
        F.col("_file").alias("file"),
    )


def accounts_of(
    lake: Lake, batches: Collection[PendingBatch], rows_of: RowsOf, digests: Iterable[Digest]
) -> list[Account]:
    """An account for each source and night of some batches, each outcome counted where it is kept.

    Only duplicates and corrections, which are kept nowhere but in bronze, are counted by their outcome. `rows_of`
    gives a batch's rows as they were staged or, to prove those, validated anew; `digests` are those of silver, which
    bring its row counts.
    """
    in_silver = {(digest.table, digest.night): digest.rows for digest in digests}
    outcomes = union(
        [
            _quarantined(lake, batches),
            *(_landed(lake, batch) for batch in batches),
            *(_repeated(batch, rows_of(batch)) for batch in batches if not batch.is_empty),
        ]
    )
    counted = outcomes.groupBy("source", "night", "outcome").count().collect()
    rows = Counter({(row.source, row.night, row.outcome): row["count"] for row in counted})
    return [
        Account(
            source=batch.source.name,
            night=night,
            landed=rows[batch.source.name, night, LANDED],
            bronze=batch.rows_of(night),
            silver=in_silver.get((batch.silver.full_name, night), 0),
            quarantined=rows[batch.source.name, night, QUARANTINED],
            duplicates=rows[batch.source.name, night, DUPLICATE],
            corrections=rows[batch.source.name, night, CORRECTION],
            is_newest=batch.is_newest,
        )
        for batch in batches
        for night in batch.nights
    ]


def _landed(lake: Lake, batch: PendingBatch) -> DataFrame:
    return _outcomes(batch, landed_lines(lake, batch.source, batch.nights), F.lit(LANDED))


def _repeated(batch: PendingBatch, validated: DataFrame) -> DataFrame:
    rows = validated.where(F.col("_outcome").isin(DUPLICATE, CORRECTION))
    return _outcomes(batch, rows, F.col("_outcome"))


def _outcomes(batch: PendingBatch, rows: DataFrame, outcome: Column) -> DataFrame:
    source = F.lit(batch.source.name).alias("source")
    return rows.select(source, F.col("_night").alias("night"), outcome.alias("outcome"))


def _quarantined(lake: Lake, batches: Iterable[PendingBatch]) -> DataFrame:
    rows = lake.read("ops.quarantine").where(is_of(batches))
    return rows.select("source", "night", F.lit(QUARANTINED).alias("outcome"))
