"""Merging: the accepted rows of pending batches go into silver, and take back keys that later arrivals had."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.tables import Source
from jobs.delta.frames import is_same, union
from jobs.delta.keys import nights_of
from jobs.delta.lake import Lake
from jobs.silver.pending import PendingBatch
from jobs.silver.ranking import QUARANTINED, SILVER_ROW, content, values_night, wins
from jobs.silver.validation import validated
from jobs.state import accounts
from jobs.state.accounts import Nights

PARALLEL = 4


def bring_in(lake: Lake, batches: Sequence[PendingBatch]) -> dict[Source, Nights]:
    """Validate batches and merge what is accepted into silver; give the nights that are pending for it, by source.

    Those lost rows or values to the batches, or have other rows of their keys, which may have another outcome now. Safe
    to repeat.
    """
    # By its accounts, a batch may be newer than all that silver has: then silver need not be asked.
    only_new = [batch for batch in batches if batch.is_newest and batch.source.policy == "first"]
    asked = [batch for batch in batches if batch not in only_new]
    latest = lake.latest((batch.silver.full_name for batch in asked), "_night")
    into_old = [batch for batch in asked if not _is_newest(batch, latest)]
    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(partial(_stage, lake), batches))
        superseded = _superseded(lake, into_old)
        # At once: a crash after the merge must not leave their accounts believed.
        accounts.reopen(lake, superseded)
        inserts = [partial(_insert, lake, batch) for batch in only_new]
        merges = [partial(_merge, lake, batch, batch in into_old) for batch in asked]
        list(pool.map(lambda write: write(), [*inserts, *merges]))
    return superseded


def _is_newest(batch: PendingBatch, latest: Mapping[str, date | None]) -> bool:
    """Whether silver holds no row that its rows could change: then there is nothing to replace, only to insert."""
    night = latest[batch.silver.full_name]
    return night is None or (batch.source.policy == "first" and night < batch.nights[0])


def _stage(lake: Lake, batch: PendingBatch) -> None:
    """Keep the validated rows: merge, quarantine and counts each read them."""
    lake.overwrite(batch.validated, validated(lake, batch))


def _superseded(lake: Lake, batches: Sequence[PendingBatch]) -> dict[Source, Nights]:
    """The nights that are reopened for the batches, with the event dates of what they lost, by source."""
    if not batches:
        return {}
    frames = [
        lake.read(batch.validated)
        .where("_rank = 1 AND (_reopened IS NOT NULL OR _is_scattered)")
        .select(F.lit(batch.source.name).alias("source"), "_reopened", "_lost", "_is_scattered")
        for batch in batches
    ]
    found = union(frames).distinct().collect()
    superseded: dict[Source, Nights] = {}
    for batch in batches:
        rows = [row for row in found if row.source == batch.source.name]
        nights: dict[date, set[date]] = {row._reopened: set() for row in rows if row._reopened}
        for row in rows:
            if row._reopened and row._lost:
                nights[row._reopened].add(row._lost)
        if any(row._is_scattered for row in rows):
            nights = {night: set() for night in _scattered(lake, batch)} | nights
        if nights:
            superseded[batch.source] = nights
    return superseded


def _scattered(lake: Lake, batch: PendingBatch) -> set[date]:
    """The nights that have rows of the batch's scattered keys; none if those are all the batch's own.

    Where rows are corrected, the batch's own nights are among them: only together have their rows the right outcome.
    """
    keys = lake.read(batch.validated).where("_rank = 1 AND _is_scattered").select(*batch.source.key)
    nights = nights_of(lake, batch.source, keys)
    others = nights.difference(batch.nights)
    return nights if others and batch.source.is_corrected else others


def _insert(lake: Lake, batch: PendingBatch) -> None:
    """Insert the rows of a night that is newer than all of silver, in the place of what a killed run left of it."""
    is_new = (F.col("_rank") == 1) & (F.col("_outcome") == SILVER_ROW)
    lake.replace_where(batch.silver.full_name, lake.read(batch.validated).where(is_new), batch.is_own())


def _merge(lake: Lake, batch: PendingBatch, is_into_old: bool) -> None:
    """Insert accepted rows whose key is new; where silver has rows that do not hold any more, replace those."""
    source, table = batch.source, batch.silver
    best = lake.read(batch.validated).where("_rank = 1").withColumn("_night", F.col("_first_night"))
    is_accepted = F.col("_outcome") != QUARANTINED
    rows = best if source.policy == "conflict" else best.where(is_accepted)
    new = rows.select(*table.column_names, is_accepted.alias("_is_accepted")).alias("new")
    matching = is_same(source.key, "new", table.name) & batch.may_share_a_key(table.name)
    merge = new.mergeInto(lake.settings.table(table.full_name), matching)
    old = f"{table.name}."
    if source.policy == "conflict":
        merge = merge.whenMatched(~F.col("new._is_accepted")).delete()
    if source.is_corrected:
        values = {f"`{name}`": F.col(f"new.`{name}`") for name in table.column_names}
        night = {"`_night`": F.least("new._night", f"{old}_night")}
        merge = merge.whenMatched(_supersedes(source, old)).update(values | night)
        first = {**night, "`_values_night`": values_night(source, old)}
        merge = merge.whenMatched(F.col("new._night") < F.col(f"{old}_night")).update(first)
    elif is_into_old:
        merge = merge.whenMatched(_supersedes(source, old)).updateAll()
    # Delta inserts in one pass when nothing can be updated.
    merge.whenNotMatched(F.col("new._is_accepted")).insertAll().merge()


def _supersedes(source: Source, old: str) -> Column:
    """Whether a new row's values take the place of those that silver has, or arrived in another night."""
    version = F.col(f"{old}{source.version}") if source.version else None
    since = values_night(source, old)
    differs = content(source.silver, "new.") != content(source.silver, old)
    return wins(source, "new.", since, version) & (differs | (values_night(source, "new.") != since))
