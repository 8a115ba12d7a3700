"""Pending batches: what has arrived of a source for some nights and is not reconciled yet; see `jobs.state`."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from catalog.run_result import DONE
from catalog.tables import SILVER, Source, Table, validated
from jobs import compiling
from jobs.delta.frames import any_of, is_in, union
from jobs.delta.lake import Lake
from jobs.settings import BY_HAND, Settings
from jobs.state import accounts, begun_batches, run_results

# Of a source, on average: with so many rows of silver, compiling pays even for a batch of few.
COMPARED = 4_000_000

Keys = tuple[int, int] | tuple[str, str]
Arrived = Mapping[date, Mapping[date | None, int]]  # night -> event date, if rows have one -> bronze rows


@dataclass(frozen=True, eq=False)
class PendingBatch:
    """One source, those of its nights that are to be reconciled, and what arrived in them. It reads nothing.

    `is_newest`: it is of one night, and the source has no account of that night or a later one. `has_rescued`: some
    of its rows have rescued fields. `keys`: the least and the greatest value of its key's first column. `reconciled`:
    how many rows arrived in each of the source's other nights.
    """

    source: Source
    arrived: Arrived
    is_newest: bool = False
    has_rescued: bool = False
    keys: Keys | None = None
    reconciled: Mapping[date, int] = field(default_factory=dict)

    @property
    def nights(self) -> list[date]:
        """Its nights, in order."""
        return sorted(self.arrived)

    @property
    def is_empty(self) -> bool:
        """Whether no row arrived in any of its nights, and none was lost."""
        return not any(self.arrived.values())

    @property
    def rows(self) -> int:
        """Bronze rows of all its nights."""
        return sum(map(_total, self.arrived.values()))

    def rows_of(self, night: date) -> int:
        """Bronze rows of a night."""
        return _total(self.arrived[night])

    @property
    def event_dates(self) -> set[date]:
        """The event dates of its rows; none of a source whose rows have no time."""
        return {day for rows in self.arrived.values() for day in rows if day}

    @property
    def bronze(self) -> str:
        """The table of the rows that arrived."""
        return f"bronze.{self.source.name}"

    @property
    def silver(self) -> Table:
        """The table of the rows that are accepted."""
        return SILVER[self.source.silver]

    @property
    def validated(self) -> Table:
        """The rows as they are staged while they are reconciled."""
        return validated(self.source)

    def is_own(self, column: str = "_night") -> Column:
        """Whether a row is of one of its nights."""
        return is_in(column, self.nights)

    def may_share_a_key(self, table: str = "") -> Column:
        """Whether a silver row can have the key of one of its rows. Keeps joins from reading all of silver."""
        if not self.silver.is_dated:
            return F.lit(True)
        dot = f"{table}." if table else ""
        if "timestamp" in self.source.key or not self.rows:
            return is_in(f"{dot}event_date", self.event_dates)
        # A row of the same key may be of any date: it may have come with another time.
        return F.col(f"{dot}{self.source.key[0]}").between(*self.keys) if self.keys else F.lit(True)

    @property
    def compared(self) -> int:
        """About how many rows of silver may have a key of one of its rows: those that it is compared with."""
        rows = sum(self.reconciled.values())
        if self.silver.is_dated and "timestamp" in self.source.key:
            return rows * len(self.event_dates) // max(1, len(self.reconciled))
        match self.keys:
            case int(least), int(greatest) if self.silver.is_dated and len(self.source.key) == 1:
                return min(rows, greatest - least + 1)
        return rows


def pay_to_interpret(batches: Collection[PendingBatch]) -> bool:
    """Whether the batches have few rows, on average, and are compared with few."""
    rows, compared = ([getattr(batch, name) for batch in batches] for name in ("rows", "compared"))
    return compiling.are_few(rows) and compiling.are_few(compared, COMPARED)


def is_of(batches: Iterable[PendingBatch]) -> Column:
    """Whether a row of a table with `source` and `night` is of one of the batches."""
    return any_of((F.col("source") == batch.source.name) & batch.is_own("night") for batch in batches)


def find(lake: Lake) -> list[PendingBatch]:
    """The selected sources' nights whose bronze rows are not all accounted for, and the run's own without an account.

    So are those that some run has begun and did not end, whatever their accounts say. Cost follows new rows: those of
    reconciled nights are looked at only where bronze as a whole holds more rows than the accounts say.
    """
    begun = begun_batches.read(lake.settings)
    sources, accounted_for = lake.settings.sources, accounts.known(lake)
    known = {
        name: {night: rows for night, rows in nights.items() if night not in begun.get(name, ())}
        for name, nights in ((each.name, accounted_for.reconciled.get(each.name, {})) for each in sources)
    }
    arrived = _arrived(lake, {source: ~is_in("_night", known[source.name]) for source in sources})
    explained = {
        source: sum(known[source.name].values()) + sum(map(_total, arrived[source].nights.values()))
        for source in sources
    }
    # What other runs have landed since the check counted is no reason to look through all of bronze.
    checked = _counted_by_check(lake.settings)
    uncounted = [source for source in sources if checked.get(f"bronze.{source.name}") != explained[source]]
    rows = lake.counts(f"bronze.{source.name}" for source in uncounted)
    unexplained = [source for source in uncounted if rows[f"bronze.{source.name}"] != explained[source]]
    arrived |= _arrived(lake, {source: F.lit(True) for source in unexplained})
    batches = []
    for source in sources:
        accounted = known[source.name]
        own = [night for night in lake.settings.nights if night not in accounted]
        found = {
            night: days
            for night, days in arrived[source].nights.items()
            if _total(days) != accounted.get(night)
        }
        reopened = accounted_for.reopened.get(source.name, {})
        again = _again({**begun.get(source.name, {}), **reopened})
        pending = {
            night: {**again.get(night, {}), **found.get(night, {})} for night in {*own, *again, *found}
        }
        with_account = (*accounted_for.reconciled.get(source.name, ()), *reopened)
        is_newest = len(pending) == 1 and not any(night >= min(pending) for night in with_account)
        batches.append(
            PendingBatch(
                source,
                pending,
                is_newest,
                arrived[source].has_rescued,
                arrived[source].keys,
                {night: rows for night, rows in accounted.items() if night not in pending},
            )
        )
    return [batch for batch in batches if batch.arrived]


def _counted_by_check(settings: Settings) -> dict[str, int]:
    """The rows that this run's check of bronze has counted in each table; by hand a check may be of long ago."""
    if settings.run_id == BY_HAND:
        return {}
    of_run = run_results.of_night(settings)
    checks = [each for each in of_run if each.stage == "check_bronze" and each.status == DONE]
    tables = [table for check in checks for table in check.tables]
    return {table.table: table.detail["in_table"] for table in tables if "in_table" in table.detail}


def _again(nights: accounts.Nights) -> dict[date, dict[date | None, int]]:
    """Nights that are to be reconciled anew, with the dates that they lost: all their rows may have left bronze."""
    return {night: {None: 0, **dict.fromkeys(lost, 0)} for night, lost in nights.items()}


def of_nights(lake: Lake, nights: Mapping[Source, Collection[date]]) -> list[PendingBatch]:
    """The given nights of some sources as batches, whatever their accounts say."""
    arrived = _arrived(lake, {source: is_in("_night", days) for source, days in nights.items()})
    return [
        PendingBatch(
            source,
            {night: arrived[source].nights.get(night, {}) for night in days},
            has_rescued=arrived[source].has_rescued,
            keys=arrived[source].keys,
        )
        for source, days in nights.items()
    ]


@dataclass
class _Found:
    """What bronze has of a source: its rows by night and event date, and what a batch has to know of them besides."""

    nights: dict[date, dict[date | None, int]] = field(default_factory=dict)
    has_rescued: bool = False
    keys: Keys | None = None

    def add(self, row: Row) -> None:
        """Add the rows of a night and event date."""
        self.nights.setdefault(row._night, {})[row.event_date] = row.rows
        self.has_rescued |= row.is_rescued
        for least, greatest in ((row.least_number, row.greatest_number), (row.least_text, row.greatest_text)):
            if least is not None:
                both = (least, greatest, *(self.keys or ()))
                self.keys = min(both), max(both)


def _arrived(lake: Lake, wanted: Mapping[Source, Column]) -> dict[Source, _Found]:
    """Look at the bronze rows that meet a condition, of all sources in one query."""
    found = {source: _Found() for source in wanted}
    if not wanted:
        return found
    by_name = {source.name: source for source in wanted}
    frames = [_rows(lake, source).where(condition) for source, condition in wanted.items()]
    counts = [F.count("*").alias("rows"), F.bool_or("is_rescued").alias("is_rescued")]
    for kind in ("number", "text"):
        counts += [F.min(kind).alias(f"least_{kind}"), F.max(kind).alias(f"greatest_{kind}")]
    for row in union(frames).groupBy("source", "_night", "event_date").agg(*counts).collect():
        found[by_name[row.source]].add(row)
    return found


def _rows(lake: Lake, source: Source) -> DataFrame:
    day = F.to_date("timestamp") if source.is_timed else F.lit(None).cast("date")
    rows = lake.read(f"bronze.{source.name}")
    is_rescued = F.col("_rescued").isNotNull().alias("is_rescued")
    first = source.key[0]
    kind = source.fields.get(first, "")
    number = F.col(first) if kind in ("INT", "BIGINT") else F.lit(None)
    text = F.col(first) if kind == "STRING" else F.lit(None)
    return rows.select(
        F.lit(source.name).alias("source"),
        "_night",
        day.alias("event_date"),
        is_rescued,
        number.cast("bigint").alias("number"),
        text.cast("string").alias("text"),
    )


def _total(rows: Mapping[date | None, int]) -> int:
    return sum(rows.values())
