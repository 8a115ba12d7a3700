"""The row accounts, `ops.row_accounts`: one row per source and night, with what became of its rows.

The only module that reads or writes that table; `jobs.state` says which states it tells apart.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from catalog.pipeline import ROW_ACCOUNTS
from catalog.tables import Source
from jobs.delta import sql
from jobs.delta.frames import is_in
from jobs.delta.lake import Lake

TABLE = ROW_ACCOUNTS
LOST = "lost_dates"
OUTCOMES = ("landed", "bronze", "silver", "quarantined", "duplicates", "corrections")
Nights = Mapping[date, Collection[date]]  # night -> event dates of which it lost rows


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
    corrections: int = 0
    is_newest: bool = False
    """Whether no account of the source's was of that night or a later one when it was written first, or ever after."""

    @property
    def repeated(self) -> int:
        """Rows of a key that another row had before them, and that are not refused."""
        return self.duplicates + self.corrections

    @property
    def is_balanced(self) -> bool:
        """Whether every landed line has exactly one outcome."""
        return self.landed == self.bronze == self.silver + self.quarantined + self.repeated

    @classmethod
    def of(cls, row: Row) -> "Account":
        """Return a row of the table as an account; tables from before there were corrections lack that column."""
        counts: dict[str, Any] = {name: row.asDict().get(name) or 0 for name in OUTCOMES}
        return cls(row.source, row.night, **counts)


def ensure(lake: Lake) -> None:
    """Make the table unless it is there."""
    lake.ensure([TABLE])


def exists(lake: Lake) -> bool:
    """Whether the table is there."""
    return lake.exists(TABLE)


def of_nights(lake: Lake, nights: Iterable[date]) -> DataFrame:
    """The accounts of some nights; grain and columns are the table's."""
    return lake.read(TABLE).where(is_in("night", nights))


def of_run(lake: Lake, since: str) -> DataFrame:
    """The accounts of the run's night, and of others that it has reconciled since a moment (UTC).

    The moment tells runs by hand apart, which may share an id. Grain and columns are the table's.
    """
    is_own = F.col("night") == lake.settings.night
    by_run = (F.col("run_id") == lake.settings.run_id) & (
        F.col("settled_at") >= F.lit(since).cast("timestamp")
    )
    return lake.read(TABLE).where(is_own | by_run)


def of_source(lake: Lake, source: str) -> DataFrame:
    """The accounts of a source; grain and columns are the table's."""
    return lake.read(TABLE).where(F.col("source") == source)


def last_arrivals(lake: Lake, sources: Collection[str]) -> DataFrame:
    """Of those sources of which a row ever arrived, one row each: `source`, and `last`, the last night with one."""
    rows = lake.read(TABLE).where("landed > 0").where(F.col("source").isin(*sources))
    return rows.groupBy("source").agg(F.max("night").alias("last")).orderBy("source")


@dataclass(frozen=True)
class Known:
    """The nights that have accounts, by source."""

    reconciled: dict[str, dict[date, int]] = field(default_factory=dict)
    """Source -> night -> bronze rows that the account counts."""
    reopened: dict[str, dict[date, Collection[date]]] = field(default_factory=dict)
    """Source -> what `Nights` has."""


def known(lake: Lake) -> Known:
    """Look at all accounts."""
    found = Known()
    for row in lake.read(TABLE).collect():
        if row.is_balanced:
            found.reconciled.setdefault(row.source, {})[row.night] = row.bronze
        else:
            found.reopened.setdefault(row.source, {})[row.night] = row[LOST] or ()
    return found


def unpublished(lake: Lake) -> Mapping[str, Nights]:
    """Source -> the nights that gold does not have yet, with the event dates of which they lost rows since it had."""
    return by_source(lake.read(TABLE).where("NOT is_published").collect())


def all_of(lake: Lake) -> list[Row]:
    """All accounts; columns are the table's, `settled_at` as a string (UTC), whose order is that of time."""
    return lake.read(TABLE).withColumn("settled_at", F.col("settled_at").cast("string")).collect()


def by_source(rows: Iterable[Row]) -> Mapping[str, Nights]:
    """Source -> the nights of some accounts, with the event dates of which they lost rows since they were published."""
    found: dict[str, dict[date, Collection[date]]] = {}
    for row in rows:
        found.setdefault(row.source, {})[row.night] = row.asDict().get(LOST) or ()
    return found


def done(lake: Lake, nights: Iterable[date]) -> dict[tuple[str, date], bool]:
    """The sources and nights, of these nights, that are reconciled, each with whether it is published, too."""
    rows = of_nights(lake, nights).where("is_balanced").select("source", "night", "is_published").collect()
    return {(row.source, row.night): row.is_published for row in rows}


def lines_landed(lake: Lake, nights: Iterable[date]) -> int:
    """How many lines landed in these nights, all sources together."""
    rows = of_nights(lake, nights)
    return int(rows.selectExpr("coalesce(sum(landed), 0)").collect()[0][0])


def reconcile(lake: Lake, accounts: Iterable[Account]) -> None:
    """Write accounts, in one commit; what is pending becomes reconciled, if its account balances."""
    kept = (*OUTCOMES, "is_newest", "is_balanced")
    rows = [(a.source, a.night, *[getattr(a, name) for name in kept]) for a in accounts]
    counts = ", ".join(f"{name} BIGINT" for name in OUTCOMES)
    frame = lake.spark.createDataFrame(
        rows, f"source STRING, night DATE, {counts}, is_newest BOOLEAN, is_balanced BOOLEAN"
    ).withColumns(
        {
            LOST: F.lit(None).cast("array<date>"),
            "is_published": F.lit(False),
            "is_refused": F.lit(False),
            "run_id": F.lit(lake.settings.run_id),
            "settled_at": F.current_timestamp(),
        }
    )
    # What a night lost since it was published stays, until it is published again.
    lake.upsert(TABLE, frame, ("source", "night"), kept=(LOST,))


def begin(lake: Lake, source: Source, nights: Iterable[date]) -> None:
    """Write an account of no rows for each of some nights that has none, so that the night can be reopened."""
    known = {row.night for row in of_source(lake, source.name).select("night").collect()}
    if lacking := sorted({*nights} - known):
        reconcile(lake, [Account(source.name, night, 0, 0, 0, 0, 0) for night in lacking])


def reopen(lake: Lake, superseded: Mapping[Source, Nights]) -> None:
    """Make reconciled nights of some sources pending again, in one commit, and keep of which dates they lost rows."""
    _add_lost(lake, superseded, is_balanced=F.lit(False))


def restate(lake: Lake, restated: Mapping[Source, Nights]) -> None:
    """Mark nights of sources as not published, with the event dates on which they lost values, in one commit.

    They stay reconciled, so that gold alone takes them in again.
    """
    _add_lost(lake, restated, is_published=F.lit(False))


def _add_lost(lake: Lake, nights: Mapping[Source, Nights], **changed: Column) -> None:
    if not nights:
        return
    rows = [
        (source.name, night, sorted(dates))
        for source, of_source in nights.items()
        for night, dates in of_source.items()
    ]
    frame = lake.spark.createDataFrame(rows, "source STRING, night DATE, more ARRAY<DATE>")
    lost = F.array_union(F.coalesce(LOST, F.array().cast("array<date>")), "more")
    found = lake.read(TABLE).join(F.broadcast(frame), on=["source", "night"])
    # What a run has checked or staged before does not know of it.
    since = {"settled_at": F.current_timestamp()}
    lake.upsert(TABLE, found.withColumns({LOST: lost, **since, **changed}), ("source", "night"))


def refuse(lake: Lake, is_refused: Mapping[str, bool]) -> None:
    """Mark the unpublished nights of each source by whether the check of silver has refused it, in one commit.

    No commit where nothing changes.
    """
    rows = lake.read(TABLE).where("NOT is_published").collect()
    changed = [
        (row.source, row.night, is_refused[row.source])
        for row in rows
        if row.source in is_refused and bool(row.is_refused) != is_refused[row.source]
    ]
    if changed:
        marks = lake.spark.createDataFrame(changed, "source STRING, night DATE, mark BOOLEAN")
        found = lake.read(TABLE).join(F.broadcast(marks), on=["source", "night"])
        lake.upsert(TABLE, found.withColumn("is_refused", F.col("mark")), ("source", "night"))


def publish(lake: Lake, sources: Iterable[str], staged_at: str) -> None:
    """Mark the nights of these sources as published that were reconciled by the moment of staging (UTC).

    What was reconciled after it is not in what was staged.
    """
    # In SQL, which looks and writes in one transaction: no account that another run changes meanwhile is put back.
    lake.spark.sql(
        f"UPDATE {lake.settings.table(TABLE)} SET is_published = true, {LOST} = NULL "
        f"WHERE NOT is_published AND is_balanced AND settled_at <= '{staged_at}' AND {sql.strings('source', sources)}"
    )
