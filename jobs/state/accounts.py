"""The row accounts, `ops.row_accounts`: one row per source and night, with what became of its rows.

The only module that reads or writes that table; `jobs.state` says which states it tells apart.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import Source
from jobs.delta import sql
from jobs.delta.frames import any_of, is_in
from jobs.delta.lake import Lake

TABLE = "ops.row_accounts"
OUTCOMES = ("landed", "bronze", "silver", "quarantined", "duplicates")


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
        """Whether every landed line has exactly one outcome."""
        return self.landed == self.bronze == self.silver + self.quarantined + self.duplicates


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


def reconciled(lake: Lake) -> dict[str, dict[date, int]]:
    """Source -> its reconciled nights -> the bronze rows that the account counts."""
    found: dict[str, dict[date, int]] = {}
    for row in lake.read(TABLE).where("is_balanced").collect():
        found.setdefault(row.source, {})[row.night] = row.bronze
    return found


def unpublished(lake: Lake) -> dict[str, set[date]]:
    """Source -> the nights that have accounts and that gold does not have yet."""
    found: dict[str, set[date]] = {}
    for row in lake.read(TABLE).where("NOT is_published").select("source", "night").collect():
        found.setdefault(row.source, set()).add(row.night)
    return found


def nights_after(lake: Lake, night: date) -> set[date]:
    """The nights after this one that have accounts."""
    rows = lake.read(TABLE).where(F.col("night") > night).select("night").distinct()
    return {row.night for row in rows.collect()}


def unpublished_at(lake: Lake, moment: str) -> dict[str, list[date]]:
    """Source -> the nights reconciled by that moment (UTC) that gold does not have yet."""
    rows = lake.read(TABLE).where(f"NOT is_published AND settled_at <= '{moment}'")
    found: dict[str, list[date]] = {}
    for row in rows.select("source", "night").collect():
        found.setdefault(row.source, []).append(row.night)
    return found


def published(lake: Lake, nights: Iterable[date]) -> set[tuple[str, date]]:
    """The sources and nights, of these nights, that are reconciled and published."""
    rows = of_nights(lake, nights).where("is_balanced AND is_published")
    return {(row.source, row.night) for row in rows.select("source", "night").collect()}


def lines_landed(lake: Lake, nights: Iterable[date]) -> int:
    """How many lines landed in these nights, all sources together."""
    rows = of_nights(lake, nights)
    return int(rows.selectExpr("coalesce(sum(landed), 0)").collect()[0][0])


def reconcile(lake: Lake, accounts: Iterable[Account]) -> None:
    """Write accounts, in one commit; what is pending becomes reconciled, if its account balances."""
    rows = [(a.source, a.night, *[getattr(a, name) for name in OUTCOMES], a.is_balanced) for a in accounts]
    counts = ", ".join(f"{name} BIGINT" for name in OUTCOMES)
    frame = lake.spark.createDataFrame(
        rows, f"source STRING, night DATE, {counts}, is_balanced BOOLEAN"
    ).withColumns(
        {
            "is_published": F.lit(False),
            "run_id": F.lit(lake.settings.run_id),
            "settled_at": F.current_timestamp(),
        }
    )
    lake.upsert(TABLE, frame, ("source", "night"))


def reopen(lake: Lake, superseded: Mapping[Source, Collection[date]]) -> None:
    """Make reconciled nights of some sources pending again, in one commit."""
    if not superseded:
        return
    these = any_of(
        (F.col("source") == source.name) & is_in("night", nights) for source, nights in superseded.items()
    )
    reopened = lake.read(TABLE).where(these).withColumn("is_balanced", F.lit(False))
    lake.upsert(TABLE, reopened, ("source", "night"))


def publish(lake: Lake, sources: Iterable[str], staged_at: str) -> None:
    """Mark the nights of these sources as published that were reconciled by the moment of staging (UTC).

    What was reconciled after it is not in what was staged.
    """
    lake.spark.sql(
        f"UPDATE {lake.settings.table(TABLE)} SET is_published = true "
        f"WHERE NOT is_published AND settled_at <= '{staged_at}' AND {sql.strings('source', sources)}"
    )
