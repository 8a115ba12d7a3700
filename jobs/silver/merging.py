"""Merging: the accepted rows of pending batches go into silver, and take back keys that later arrivals had."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import Source
from jobs.delta.frames import union
from jobs.delta.lake import Lake
from jobs.silver.pending import PendingBatch
from jobs.silver.validation import content, validated
from jobs.state import accounts

PARALLEL = 4


def bring_in(lake: Lake, batches: Sequence[PendingBatch]) -> dict[Source, list[date]]:
    """Validate batches and merge what is accepted into silver; give the nights that lost rows to them, by source.

    Those nights are pending again. Safe to repeat.
    """
    latest = lake.latest((batch.silver.full_name for batch in batches), "_night")
    into_old = [batch for batch in batches if not _is_newest(batch, latest)]
    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(partial(_stage, lake), batches))
        superseded = _superseded(lake, into_old)
        # At once: a crash after the merge must not leave their accounts believed.
        accounts.reopen(lake, superseded)
        list(pool.map(lambda batch: _merge(lake, batch, batch in into_old), batches))
    return superseded


def _is_newest(batch: PendingBatch, latest: Mapping[str, date | None]) -> bool:
    """Whether silver holds no row of its nights or later ones: nothing to replace then, only to insert."""
    night = latest[batch.silver.full_name]
    return night is None or night < batch.nights[0]


def _stage(lake: Lake, batch: PendingBatch) -> None:
    """Keep the validated rows: merge, quarantine and counts each read them."""
    lake.overwrite(batch.validated, validated(lake, batch))


def existing(lake: Lake, batch: PendingBatch) -> DataFrame:
    """Keys that silver may share with a batch, and the night that each came in (`_existing_night`), none its own."""
    rows = lake.read(batch.silver.full_name).where(batch.may_share_a_key() & ~batch.is_own())
    return rows.select(*batch.source.key, F.col("_night").alias("_existing_night"))


def _superseded(lake: Lake, batches: Sequence[PendingBatch]) -> dict[Source, list[date]]:
    """The nights whose row is superseded by an earlier arrival of the same key, by source."""
    if not batches:
        return {}
    frames = [
        lake.read(batch.validated)
        .where("_rank = 1")
        .join(existing(lake, batch), on=list(batch.source.key))
        .where("_existing_night > _night")
        .select(F.lit(batch.source.name).alias("source"), "_existing_night")
        for batch in batches
    ]
    rows = union(frames).distinct().collect()
    nights = {
        batch.source: sorted(row._existing_night for row in rows if row.source == batch.source.name)
        for batch in batches
    }
    return {source: found for source, found in nights.items() if found}


def _merge(lake: Lake, batch: PendingBatch, is_into_old: bool) -> None:
    """Insert accepted rows whose key is new; where silver has later rows, replace those by earlier arrivals."""
    table = batch.silver
    accepted = lake.read(batch.validated).where("_rank = 1").select(*table.column_names).alias("new")
    same = [F.col(f"new.{name}") == F.col(f"{table.name}.{name}") for name in batch.source.key]
    matching = reduce(Column.__and__, [*same, batch.may_share_a_key(table.name)])
    merge = accepted.mergeInto(lake.settings.table(table.full_name), matching)
    if is_into_old:
        merge = merge.whenMatched(_supersedes(table.name)).updateAll()
    # Delta inserts in one pass when nothing can be updated.
    merge.whenNotMatched().insertAll().merge()


def _supersedes(table: str) -> Column:
    """Whether a new row takes the place of the existing one: it arrived earlier, or is the same night's new choice."""
    arrived, existing = F.col("new._night"), F.col(f"{table}._night")
    differs = content(table, "new.") != content(table, f"{table}.")
    return (arrived < existing) | ((arrived == existing) & differs)
