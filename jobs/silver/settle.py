"""Settling: each bronze row of a source and night ends in silver, in quarantine or as a duplicate.

Every step works on all sources at once where that saves a Spark job, and is safe to repeat.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import store
from jobs.bronze import landed_lines
from jobs.settings import Settings
from jobs.silver.judge import content, judge, rank
from jobs.tables import SILVER, TABLES, Source

FATES = ("landed", "bronze", "silver", "quarantined", "duplicates")


@dataclass(frozen=True)
class Account:
    """Row counts of one source and night, each counted where the rows are kept."""

    source: str
    night: date
    landed: int
    bronze: int
    silver: int
    quarantined: int
    duplicates: int

    @property
    def is_balanced(self) -> bool:
        """Whether every landed line has exactly one fate."""
        return self.landed == self.bronze == self.silver + self.quarantined + self.duplicates


class Claim:
    """One source and the nights of it that are to be settled."""

    def __init__(
        self,
        spark: SparkSession,
        settings: Settings,
        source: Source,
        nights: Sequence[date],
        event_dates: Sequence[date],
        is_empty: bool,
    ) -> None:
        self.spark, self.settings, self.source, self.nights = spark, settings, source, sorted(nights)
        self.name = f"silver.{source.silver}"
        self.judged_name = f"staging.judged_{source.name}"
        self.is_dated = "event_date" in SILVER[source.silver].column_names
        # Keeps joins from reading all of silver: only these event dates can hold a row with the same key.
        self.pruning = store.dates("event_date", event_dates) if self.is_dated else "true"
        self.is_empty = is_empty  # no bronze row in any of the nights: nothing to merge or to judge

    def rows(self) -> DataFrame:
        """Bronze rows of the nights."""
        bronze = store.read(self.spark, self.settings, f"bronze.{self.source.name}")
        return bronze.where(store.dates("_night", self.nights))

    def judge(self) -> DataFrame:
        """Judge and rank the bronze rows of the nights. Grain: one row per bronze row."""
        known = store.read(self.spark, self.settings, "silver.devices_history").select(
            "device_id", "device_type"
        )
        # A device's type never changes, so every version of it says the same.
        judged = rank(judge(self.rows(), self.source, known.distinct()), self.source)
        is_bad = F.size("_reasons") > 0
        return judged.withColumns(
            {
                "_key": F.concat_ws(",", *[F.col(name).cast("string") for name in self.source.key]),
                "_raw": F.when(is_bad, F.expr("to_variant_object(_line)")),
            }
        ).select(*TABLES[self.judged_name].column_names)

    def keep_judgement(self) -> None:
        """Write the judgement down once: merge, quarantine and counts each read it."""
        store.overwrite(self.settings, self.judged_name, self.judge())

    def judged(self) -> DataFrame:
        """The judgement as written down."""
        return store.read(self.spark, self.settings, self.judged_name)

    def held(self) -> DataFrame:
        """Keys in silver and the night whose row holds each (`_held_by`)."""
        silver = store.read(self.spark, self.settings, self.name).where(self.pruning)
        return silver.select(*self.source.key, F.col("_night").alias("_held_by"))


def unsettled(spark: SparkSession, settings: Settings) -> dict[Source, list[date]]:
    """Nights of each selected source whose bronze rows do not all have a fate; the run's own if it has no account."""
    counts = _union(
        _per_night(store.read(spark, settings, f"bronze.{s.name}"), "_night", s, "bronze")
        for s in settings.sources
    )
    accounts = store.read(spark, settings, "ops.row_accounts").where("is_balanced").collect()
    settled = {(row.source, row.night): row.bronze for row in accounts}
    found = {(row.source, row.night): row["count"] for row in counts.collect()}
    open_nights = {(source.name, settings.night): 0 for source in settings.sources} | found
    return {
        source: nights
        for source in settings.sources
        if (
            nights := [
                night
                for (name, night), count in open_nights.items()
                if name == source.name and settled.get((name, night)) != count
            ]
        )
    }


def claim(spark: SparkSession, settings: Settings, nights: dict[Source, list[date]]) -> list[Claim]:
    """Make a claim for each source, having looked up which event dates its nights touch."""
    touched: dict[str, list[date]] = {}
    for row in _union(
        _event_dates(spark, settings, source, days) for source, days in nights.items()
    ).collect():
        touched.setdefault(row.source, []).extend([row.event_date] if row.event_date else [])
    return [
        Claim(
            spark, settings, source, days, touched.get(source.name, []), is_empty=source.name not in touched
        )
        for source, days in nights.items()
    ]


def _event_dates(spark: SparkSession, settings: Settings, source: Source, nights: list[date]) -> DataFrame:
    rows = store.read(spark, settings, f"bronze.{source.name}").where(store.dates("_night", nights))
    event_date = F.to_date("timestamp") if "timestamp" in source.fields else F.lit(None).cast("date")
    return rows.select(F.lit(source.name).alias("source"), event_date.alias("event_date")).distinct()


def displaced(claim: Claim) -> list[date]:
    """Settled later nights that lose a row to the claim's, because an earlier arrival of its key came to light.

    They are marked as unbalanced at once: a crash after the merge must not leave them believed.
    """
    accounts = store.read(claim.spark, claim.settings, "ops.row_accounts").where(
        F.col("source") == claim.source.name
    )
    later = accounts.where(F.col("night") > min(claim.nights)).where(
        f"NOT ({store.dates('night', claim.nights)})"
    )
    if later.isEmpty():
        return []
    losing = claim.judged().where("_rank = 1").join(claim.held(), on=list(claim.source.key), how="inner")
    nights = sorted(
        row[0] for row in losing.where("_held_by > _night").select("_held_by").distinct().collect()
    )
    if nights:
        marked = accounts.where(store.dates("night", nights)).withColumn("is_balanced", F.lit(False))
        store.upsert(claim.settings, "ops.row_accounts", marked, ("source", "night"))
    return nights


def merge(claim: Claim) -> None:
    """Bring the winners into silver: new keys, and earlier arrivals of keys that are there."""
    table = SILVER[claim.source.silver]
    winners = claim.judged().where("_rank = 1").select(*table.column_names).alias("new")
    same = [f"new.`{name}` = {table.name}.`{name}`" for name in claim.source.key]
    pruning = [claim.pruning.replace("`event_date`", f"{table.name}.`event_date`")] if claim.is_dated else []
    differs = content(table.name, "new.") != content(table.name, f"{table.name}.")
    wins = F.expr(f"new._night < {table.name}._night") | (
        F.expr(f"new._night = {table.name}._night") & differs
    )
    merging = winners.mergeInto(claim.settings.table(claim.name), F.expr(" AND ".join([*same, *pruning])))
    merging.whenMatched(wins).updateAll().whenNotMatched().insertAll().merge()


def quarantine(settings: Settings, claims: Iterable[Claim]) -> None:
    """Replace what quarantine holds of the claims' sources and nights, in one commit."""
    failed = _union(
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
    conditions = [
        f"(source = '{claim.source.name}' AND {store.dates('night', claim.nights)})" for claim in claims
    ]
    store.replace_where(settings, "ops.quarantine", failed, " OR ".join(conditions))


def count_fates(
    spark: SparkSession, settings: Settings, claims: Iterable[Claim], *, judge_again: bool = False
) -> list[Account]:
    """Count each fate where it is kept; only duplicates, which are kept nowhere, are counted by a join.

    `judge_again` counts them from bronze instead of from the judgement that the last settling wrote down.
    """
    counts = [
        frame for claim in claims for frame in _fates(claim, claim.judge() if judge_again else claim.judged())
    ]
    found = {(row.source, row.night, row.fate): row["count"] for row in _union(counts).collect()}
    return [
        Account(claim.source.name, night, *[found.get((claim.source.name, night, fate), 0) for fate in FATES])
        for claim in claims
        for night in claim.nights
    ]


def _fates(claim: Claim, judged: DataFrame) -> list[DataFrame]:
    """Frames of `source`, `fate`, `night`, `count`."""
    lost_to_another = judged.where("_rank IS NOT NULL").join(
        claim.held(), on=list(claim.source.key), how="left"
    )
    in_quarantine = store.read(claim.spark, claim.settings, "ops.quarantine").where(
        F.col("source") == claim.source.name
    )
    silver = store.read(claim.spark, claim.settings, claim.name)
    landed = _per_night(
        landed_lines(claim.spark, claim.settings, claim.source, claim.nights),
        "_night",
        claim.source,
        "landed",
    )
    if claim.is_empty:
        return [landed]
    return [
        landed,
        _per_night(claim.rows(), "_night", claim.source, "bronze"),
        _per_night(silver.where(store.dates("_night", claim.nights)), "_night", claim.source, "silver"),
        _per_night(
            in_quarantine.where(store.dates("night", claim.nights)), "night", claim.source, "quarantined"
        ),
        _per_night(
            lost_to_another.where("_rank > 1 OR _held_by <> _night"), "_night", claim.source, "duplicates"
        ),
    ]


def _per_night(rows: DataFrame, column: str, source: Source, fate: str) -> DataFrame:
    night = F.col(column).alias("night")
    return (
        rows.groupBy(night)
        .count()
        .select(F.lit(source.name).alias("source"), F.lit(fate).alias("fate"), "night", "count")
    )


def _union(frames: Iterable[DataFrame]) -> DataFrame:
    return reduce(DataFrame.unionByName, frames)


def record(spark: SparkSession, settings: Settings, accounts: Iterable[Account]) -> None:
    """Write accounts to `ops.row_accounts`."""
    rows = [(a.source, a.night, *[getattr(a, fate) for fate in FATES], a.is_balanced) for a in accounts]
    counts = ", ".join(f"{fate} BIGINT" for fate in FATES)
    frame = spark.createDataFrame(
        rows, f"source STRING, night DATE, {counts}, is_balanced BOOLEAN"
    ).withColumns(
        {"is_published": F.lit(False), "run_id": F.lit(settings.run_id), "settled_at": F.current_timestamp()}
    )
    store.upsert(settings, "ops.row_accounts", frame, ("source", "night"))
