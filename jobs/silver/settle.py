"""Settling: each bronze row of a source and night ends in silver, in quarantine or as a duplicate.

Every step is safe to repeat. Sources are settled side by side; what they share in `ops` is written once for all.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import SILVER, TABLES, Source
from jobs.bronze.stage import landed_lines
from jobs.delta import sql
from jobs.delta.digests import Digest
from jobs.delta.lake import Lake
from jobs.silver.judge import content, judge, rank
from jobs.state import accounts
from jobs.state.accounts import Account

PARALLEL = 4

Arrivals = dict[date, dict[date | None, int]]  # night -> event date -> bronze rows


class Claim:
    """One source and the nights of it that are to be settled."""

    def __init__(
        self,
        lake: Lake,
        source: Source,
        arrivals: Arrivals,
    ) -> None:
        self.lake, self.source = lake, source
        self.nights = sorted(arrivals)
        self.bronze = {night: _total(rows) for night, rows in arrivals.items()}
        self.is_empty = not any(self.bronze.values())
        self.name = f"silver.{source.silver}"
        self.judged_name = f"staging.judged_{source.name}"
        self.is_dated = SILVER[source.silver].is_dated
        self.event_dates = {day for rows in arrivals.values() for day in rows if day}
        # Keeps joins from reading all of silver: only these event dates can hold a row with the same key.
        self.pruning = sql.dates("event_date", self.event_dates) if self.is_dated else "true"

    @cached_property
    def is_newest(self) -> bool:
        """Whether silver holds no row of these nights or later ones: nothing to replace then, only to insert."""
        newest = self.lake.read(self.name).agg(F.max("_night")).first()
        return newest is None or newest[0] is None or newest[0] < self.nights[0]

    def rows(self) -> DataFrame:
        """Bronze rows of the nights."""
        bronze = self.lake.read(f"bronze.{self.source.name}")
        return bronze.where(sql.dates("_night", self.nights))

    def judge(self) -> DataFrame:
        """Judge and rank the bronze rows of the nights. Grain: one row per bronze row."""
        # One version of each device is the current one, and a device's type never changes.
        known = (
            self.lake.read("silver.devices_history").where("is_current").select("device_id", "device_type")
        )
        judged = judge(self.rows(), self.source, known)
        is_bad = F.size("_reasons") > 0
        # The line is kept of bad rows only, and before ranking moves the rows about.
        kept = judged.withColumns(
            {
                "_key": F.concat_ws(",", *[F.col(name).cast("string") for name in self.source.key]),
                "_raw": F.when(is_bad, F.expr("to_variant_object(_line)")),
            }
        ).drop("_line")
        return rank(kept, self.source).select(*TABLES[self.judged_name].column_names)

    def keep_judgement(self) -> None:
        """Write the judgement down once: merge, quarantine and counts each read it."""
        self.lake.overwrite(self.judged_name, self.judge())

    def judged(self) -> DataFrame:
        """The judgement as written down."""
        return self.lake.read(self.judged_name)

    def held(self) -> DataFrame:
        """Keys in silver that rows of other nights hold, and the night of each (`_held_by`)."""
        silver = self.lake.read(self.name).where(self.pruning)
        others = silver.where(f"NOT ({sql.dates('_night', self.nights)})")
        return others.select(*self.source.key, F.col("_night").alias("_held_by"))


def unsettled(lake: Lake) -> list[Claim]:
    """Claim each selected source's nights whose bronze rows do not all have a fate.

    The run's own nights are among them as long as they have no account. Cost follows new rows: those of settled
    nights are looked at only where bronze as a whole holds more rows than the accounts say.
    """
    settled = accounts.reconciled(lake)
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = pool.map(
            lambda source: _unsettled(lake, source, settled.get(source.name, {})), lake.settings.sources
        )
        return [claim for claim in found if claim.nights]


def _unsettled(lake: Lake, source: Source, settled: Mapping[date, int]) -> Claim:
    arrivals = _arrivals(lake, source, f"NOT ({sql.dates('_night', settled)})")
    rows = lake.read(f"bronze.{source.name}").count()
    if rows != sum(settled.values()) + sum(map(_total, arrivals.values())):
        arrivals = _arrivals(lake, source, "true")
    open_nights = {night: found for night, found in arrivals.items() if _total(found) != settled.get(night)}
    for night in lake.settings.nights:
        if night not in settled:
            open_nights.setdefault(night, {})
    return Claim(lake, source, open_nights)


def claim(lake: Lake, source: Source, nights: Sequence[date]) -> Claim:
    """Claim the given nights of a source."""
    arrivals = _arrivals(lake, source, sql.dates("_night", nights))
    return Claim(lake, source, {night: arrivals.get(night, {}) for night in nights})


def _arrivals(lake: Lake, source: Source, condition: str) -> Arrivals:
    event_date = F.to_date("timestamp") if "timestamp" in source.fields else F.lit(None).cast("date")
    bronze = lake.read(f"bronze.{source.name}").where(condition)
    arrivals: Arrivals = {}
    for night, day, rows in bronze.groupBy("_night", event_date).count().collect():
        arrivals.setdefault(night, {})[day] = rows
    return arrivals


def _total(rows: Mapping[date | None, int]) -> int:
    return sum(rows.values())


def displaced(claim: Claim) -> list[date]:
    """Settled later nights that lose a row to the claim's, because an earlier arrival of its key came to light.

    They are pending again at once: a crash after the merge must not leave them believed.
    """
    if claim.is_newest:
        return []
    losing = claim.judged().where("_rank = 1").join(claim.held(), on=list(claim.source.key), how="inner")
    nights = sorted(
        row[0] for row in losing.where("_held_by > _night").select("_held_by").distinct().collect()
    )
    if nights:
        accounts.reopen(claim.lake, claim.source, nights)
    return nights


def merge(claim: Claim) -> None:
    """Bring the winners into silver: new keys, and earlier arrivals of keys that are there."""
    table = SILVER[claim.source.silver]
    winners = claim.judged().where("_rank = 1").select(*table.column_names).alias("new")
    same = [f"new.`{name}` = {table.name}.`{name}`" for name in claim.source.key]
    pruning = [claim.pruning.replace("`event_date`", f"{table.name}.`event_date`")] if claim.is_dated else []
    merging = winners.mergeInto(
        claim.lake.settings.table(claim.name), F.expr(" AND ".join([*same, *pruning]))
    )
    if not claim.is_newest:
        differs = content(table.name, "new.") != content(table.name, f"{table.name}.")
        wins = F.expr(f"new._night < {table.name}._night") | (
            F.expr(f"new._night = {table.name}._night") & differs
        )
        merging = merging.whenMatched(wins).updateAll()
    # Delta inserts in one pass when nothing can be updated.
    merging.whenNotMatched().insertAll().merge()


def quarantine(lake: Lake, claims: Sequence[Claim]) -> None:
    """Replace what quarantine holds of the claims' sources and nights, in one commit."""
    if not claims:
        return
    failed = sql.union(
        claim.judged()
        .where("_rank IS NULL")
        .select(
            F.lit(claim.source.name).alias("source"),
            F.col("_night").alias("night"),
            F.col("_key").alias("key"),
            F.col("_raw").alias("raw"),
            F.col("_reasons").alias("reasons"),
            F.col("_file").alias("file"),
        )
        for claim in claims
    )
    lake.replace_where("ops.quarantine", failed, _in_quarantine(claims))


@dataclass(frozen=True)
class Counts:
    """What became of a claim's lines, but for those in quarantine."""

    landed: dict[date, int]
    duplicates: dict[date, int]
    digests: list[Digest]  # of the nights in silver; they bring their row counts


def count(claim: Claim, judged: DataFrame) -> Counts:
    """Count each fate where it is kept; only duplicates, which are kept nowhere, are counted by a join.

    `judged` is the judgement that settling wrote down or, to prove that one, a new one.
    """
    landed = _per_night(landed_lines(claim.lake, claim.source, claim.nights))
    if claim.is_empty:
        return Counts(landed, {}, [])
    good = judged.where("_rank IS NOT NULL").join(claim.held(), on=list(claim.source.key), how="left")
    duplicates = _per_night(good.where("_rank > 1 OR _held_by IS NOT NULL"))
    return Counts(landed, duplicates, claim.lake.digests(claim.name, claim.nights))


def accounts_of(lake: Lake, counts: Mapping[Claim, Counts]) -> list[Account]:
    """Put together an account for each claimed source and night, having counted what is in quarantine."""
    kept = lake.read("ops.quarantine").where(_in_quarantine(counts))
    quarantined = {
        (row.source, row.night): row["count"] for row in kept.groupBy("source", "night").count().collect()
    }
    return [
        Account(
            source=claim.source.name,
            night=night,
            landed=found.landed.get(night, 0),
            bronze=claim.bronze[night],
            silver=sum(digest.rows for digest in found.digests if digest.night == night),
            quarantined=quarantined.get((claim.source.name, night), 0),
            duplicates=found.duplicates.get(night, 0),
        )
        for claim, found in counts.items()
        for night in claim.nights
    ]


def _per_night(rows: DataFrame) -> dict[date, int]:
    return {row._night: row["count"] for row in rows.groupBy("_night").count().collect()}


def _in_quarantine(claims: Iterable[Claim]) -> str:
    """SQL condition: the rows of quarantine that are the claims' own; false when there are none."""
    conditions = [
        f"(source = '{claim.source.name}' AND {sql.dates('night', claim.nights)})" for claim in claims
    ]
    return " OR ".join(conditions) or "false"
