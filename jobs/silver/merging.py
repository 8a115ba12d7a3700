"""Merging: the accepted rows of pending batches go into silver, and take back keys that later arrivals had."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import Source
from jobs.delta.frames import is_same, union
from jobs.delta.lake import Lake
from jobs.delta.staging import Staging
from jobs.silver.pending import PendingBatch
from jobs.silver.ranking import QUARANTINED, SILVER_ROW, content, values_night, wins
from jobs.silver.validation import validated
from jobs.state import accounts, begun_batches
from jobs.state.progress import StepProgress
from jobs.table_functions import find_table_function, uncut

PARALLEL = 4
Dates = dict[date, set[date]]  # night -> event dates of which it lost rows or values


def bring_in(
    lake: Lake, staging: Staging, batches: Sequence[PendingBatch], progress: StepProgress
) -> dict[Source, Dates]:
    """Validate batches and merge the accepted rows into silver; return source -> nights that are pending because of it.

    Such a night lost rows or values to a batch (it comes with the event dates of what it lost), or has other rows of
    the same keys, whose outcome may be another now. Safe to repeat.
    """
    # By its accounts, a batch may be newer than all that silver has: then silver need not be asked.
    only_new = [batch for batch in batches if batch.is_newest and batch.source.policy == "first"]
    asked = [batch for batch in batches if batch not in only_new]
    latest = lake.latest((batch.silver.full_name for batch in asked), "_night")
    into_old = [batch for batch in asked if not _is_newest(batch, latest)]
    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(partial(_stage, lake, staging), batches))
        found = _changed(lake, staging, into_old)
        superseded = found.reopened
        fallen = _fallen(lake, staging, into_old)
        for batch, keys in fallen.items():
            _supersede_with(lake, batch, keys, superseded)
        # At once: a crash after the merge must not leave their accounts believed.
        begun_batches.begin(lake.settings, superseded)
        accounts.reopen(lake, superseded)
        accounts.restate(lake, found.restated)
        for batch, keys in fallen.items():
            lake.delete(batch.silver.full_name, keys, batch.source.key)

        def write(batch: PendingBatch) -> None:
            if batch in only_new:
                _insert(lake, staging, batch)
            else:
                _merge(lake, staging, batch, batch in into_old)
            progress.done(batch.silver.full_name, batch.rows)

        list(pool.map(write, [*only_new, *asked]))
    return superseded


def _is_newest(batch: PendingBatch, latest: Mapping[str, date | None]) -> bool:
    """Whether silver holds no row that its rows could change: then there is nothing to replace, only to insert."""
    night = latest[batch.silver.full_name]
    return night is None or (batch.source.policy == "first" and night < batch.nights[0])


def _stage(lake: Lake, staging: Staging, batch: PendingBatch) -> None:
    """Keep the validated rows: merge, quarantine and counts each read them."""
    rows = validated(lake, batch)
    staging.write(
        batch.validated, uncut(rows, batch.silver) if find_table_function("clean", batch.silver) else rows
    )


@dataclass(frozen=True)
class _Changed:
    """Nights that batches change, of each source, with the event dates that lose rows or values by it."""

    reopened: dict[Source, Dates]
    restated: dict[Source, Dates]  # that lose values alone


def _changed(lake: Lake, staging: Staging, batches: Sequence[PendingBatch]) -> _Changed:
    """Find the nights that the validated rows of the batches change; in one query."""
    changed = _Changed({}, {})
    if not batches:
        return changed
    frames = [
        staging.read(batch.validated)
        .where("_rank = 1 AND (coalesce(_reopened, _restated) IS NOT NULL OR _is_scattered)")
        .select(F.lit(batch.source.name).alias("source"), "_reopened", "_restated", "_lost", "_is_scattered")
        for batch in batches
    ]
    found = union(frames).distinct().collect()
    for batch in batches:
        rows = [row for row in found if row.source == batch.source.name]
        nights = _dates([(row._reopened, row._lost) for row in rows])
        if any(row._is_scattered for row in rows):
            nights = {night: set() for night in _scattered(lake, staging, batch)} | nights
        if nights:
            changed.reopened[batch.source] = nights
        if only_values := _dates([(row._restated, row._lost) for row in rows]):
            changed.restated[batch.source] = only_values
    return changed


def _dates(lost: Iterable[tuple[date | None, date | None]]) -> Dates:
    nights: Dates = {}
    for night, day in lost:
        if night:
            nights.setdefault(night, set()).update({day} if day else ())
    return nights


def _fallen(lake: Lake, staging: Staging, batches: Sequence[PendingBatch]) -> dict[PendingBatch, DataFrame]:
    """Silver rows of the batches' own nights of whose key no row is good any more: the rules, or the rows, are others.

    Only batches that have such rows; key, `_night` and, of a table by event date, `event_date` of each.
    """
    frames = {batch: _without_a_good_row(lake, staging, batch) for batch in batches}
    if not frames:
        return {}
    some = union(
        rows.limit(1).select(F.lit(batch.source.name).alias("source")) for batch, rows in frames.items()
    )
    found = {row.source for row in some.collect()}
    return {batch: rows for batch, rows in frames.items() if batch.source.name in found}


def _without_a_good_row(lake: Lake, staging: Staging, batch: PendingBatch) -> DataFrame:
    key, staged = list(batch.source.key), staging.read(batch.validated)
    silver = lake.read(batch.silver.full_name)
    day = F.col("event_date") if batch.silver.is_dated else F.lit(None).cast("date")
    found = silver.where(batch.is_own()).select(*key, "_night", day.alias("_day"))
    fallen = found.join(staged.where("_rank = 1").select(*key), on=key, how="leftanti")
    if not batch.source.is_corrected:
        return fallen
    # So are those whose values are of one of these nights, and are not good any more: others hold, maybe of any night.
    values = {"_values_night": values_night(batch.source), "_content": content(batch.silver.name)}
    held = silver.withColumns(values).where(batch.is_own("_values_night"))
    good = staged.where("_rank IS NOT NULL").withColumn("_content", content(batch.silver.name))
    lost = held.join(good.select(*key, *values), on=[*key, *values], how="leftanti")
    return fallen.union(lost.select(*key, "_night", day.alias("_day"))).distinct()


def _supersede_with(
    lake: Lake, batch: PendingBatch, fallen: DataFrame, superseded: dict[Source, Dates]
) -> None:
    """Add the nights that have rows of some fallen keys, and the event dates of what these lose."""
    nights = superseded.setdefault(batch.source, {})
    for night in lake.nights_of(batch.source, fallen.select(*batch.source.key)):
        nights.setdefault(night, set())
    lost = [(row._night, row._day) for row in fallen.select("_night", "_day").distinct().collect()]
    for night, days in _dates(lost).items():
        nights.setdefault(night, set()).update(days)


def _scattered(lake: Lake, staging: Staging, batch: PendingBatch) -> set[date]:
    """The nights that have rows of the batch's scattered keys; none if those are all the batch's own.

    Where rows are corrected, the batch's own nights are among them: only together have their rows the right outcome.
    """
    keys = staging.read(batch.validated).where("_rank = 1 AND _is_scattered").select(*batch.source.key)
    nights = lake.nights_of(batch.source, keys)
    others = nights.difference(batch.nights)
    return nights if others and batch.source.is_corrected else others


def _insert(lake: Lake, staging: Staging, batch: PendingBatch) -> None:
    """Insert the rows of a night that is newer than all of silver, in the place of what a killed run left of it."""
    is_new = (F.col("_rank") == 1) & (F.col("_outcome") == SILVER_ROW)
    lake.replace_where(batch.silver.full_name, staging.read(batch.validated).where(is_new), batch.is_own())


def _merge(lake: Lake, staging: Staging, batch: PendingBatch, is_into_old: bool) -> None:
    """Insert accepted rows whose key is new; where silver has rows that do not hold any more, replace those."""
    source, table = batch.source, batch.silver
    best = staging.read(batch.validated).where("_rank = 1").withColumn("_night", F.col("_first_night"))
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
