"""Scores of how well the rules find the injected faults, by the fault labels in `truth/`; nothing else reads those.

QUARANTINED_FOR and FLAGGED_FOR list the rules that should find each kind of fault. A kind in neither of them is not
scored, and the report says so.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from catalog.tables import SILVER, TABLES, UNKNOWN_DEVICE, Source
from jobs.delta.frames import is_in, union
from jobs.delta.lake import Lake
from jobs.generate.arguments import FIRST_NIGHT, label_folder
from jobs.state import accounts

MALFORMED, DUPLICATE = "malformed", "duplicate"
LATE = "dated before the night it arrived"

# Kind of fault -> reasons for which such a row is in quarantine; * stands for anything.
QUARANTINED_FOR = {
    MALFORMED: ("malformed record",),
    "unknown_device": (UNKNOWN_DEVICE, "no device_id"),
    "future": ("dated after *it arrived",),  # older nights' reason is "dated after the night it arrived"
    "malfunction": ("* outside *",),
    "no_timestamp": ("no usable timestamp",),
}
# Kind of fault -> flags of such a row, which stays in silver.
FLAGGED_FOR = {
    "null": ("no value", "no temperature", "no fuel level"),
    "no_temperature": ("no temperature",),
    "flipped_pressure": ("air pressure came with its sign flipped*",),
    "late": (LATE,),
}


@dataclass(frozen=True)
class Fault:
    """A fault that was injected into a landed line; the key is the line's key columns, joined by commas."""

    source: str
    key: str
    kind: str


@dataclass(frozen=True)
class Alarm:
    """A row that at least one rule flagged or quarantined."""

    source: str
    key: str
    reasons: tuple[str, ...]
    is_quarantined: bool  # else flagged

    def is_about(self, kind: str) -> bool:
        """Whether one of its reasons is that of a rule that should find this kind of fault."""
        patterns = QUARANTINED_FOR.get(kind, ()) if self.is_quarantined else FLAGGED_FOR.get(kind, ())
        return any(fnmatchcase(reason, pattern) for reason in self.reasons for pattern in patterns)


@dataclass(frozen=True)
class Score:
    """How well one kind of fault in one source was found; counts are None where they are unknown."""

    source: str
    kind: str
    injected: int
    raised: int | None  # rows that the rules reported as such faults
    caught: int | None  # of these, injected faults

    @property
    def recall(self) -> float | None:
        """Share of the injected faults that were found."""
        return None if self.caught is None or not self.injected else self.caught / self.injected

    @property
    def precision(self) -> float | None:
        """Share of the alarms that are injected faults."""
        return None if self.caught is None or not self.raised else self.caught / self.raised


def simulated(lake: Lake) -> list[Source]:
    """The selected sources of which the night has fault labels."""
    return [
        source
        for source in lake.settings.sources
        if label_folder(lake.settings.home, source.name, lake.settings.night).is_dir()
    ]


def evidence(lake: Lake, sources: list[Source]) -> dict[str, DataFrame]:
    """What the scores of the night's simulated sources are made of; nothing when there are none."""
    if not sources:
        return {}
    return {"faults": _faults(lake, sources), "alarms": _alarms(lake, sources), "counted": _accounts(lake)}


def record(
    lake: Lake, sources: list[Source], found: Mapping[str, list[Row]], known: Iterable[Row]
) -> list[Row]:
    """Score simulated sources by the rows of the evidence; write and return the night's `ops.detection_scores`.

    `known` are those that it has; of other sources they stay.
    """
    names = {source.name for source in sources}
    kept = [row for row in known if row.source not in names]
    if not sources:
        return kept
    duplicates = _duplicates(lake, found["counted"])
    faults = [Fault(row.source, row.key or "", row.kind) for row in found["faults"]]
    alarms = [Alarm(row.source, row.key, tuple(row.reasons), row.is_quarantined) for row in found["alarms"]]
    rows = [
        (s.source, lake.settings.night, s.kind, s.injected, s.raised, s.caught, s.recall, s.precision)
        for s in score(faults, alarms, duplicates)
    ]
    table = TABLES["ops.detection_scores"]
    scores = [*kept, *(Row(*table.column_names)(*row) for row in rows)]
    fresh = lake.spark.createDataFrame(scores, table.columns)
    lake.replace_where(table.full_name, fresh, F.col("night") == lake.settings.night)
    return scores


def score(
    faults: Iterable[Fault], alarms: Iterable[Alarm], duplicates: Mapping[str, int | None]
) -> list[Score]:
    """Return a score per source and kind of fault of a night.

    `duplicates` maps each source to its rows that were duplicates; to None when the night before, whose rows may
    arrive a second time, was never loaded.
    """
    by_kind: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for fault in faults:
        by_kind[fault.source, fault.kind][fault.key] += 1
    by_source: dict[str, list[Alarm]] = defaultdict(list)
    for alarm in alarms:
        by_source[alarm.source].append(alarm)

    def score_one(source: str, kind: str) -> Score:
        copies = by_kind[source, kind]
        quarantined = {alarm.key for alarm in by_source[source] if alarm.is_quarantined}
        quarantined |= by_kind.get((source, MALFORMED), Counter()).keys()
        about = [alarm.key for alarm in by_source[source] if alarm.is_about(kind)]
        if kind == MALFORMED:  # such a line has no key, so only the numbers can be compared
            return _by_number(source, kind, copies.total(), len(about))
        if kind == DUPLICATE:  # a second copy of a quarantined row is quarantined, too
            injected = sum(count for key, count in copies.items() if key not in quarantined)
            return _by_number(source, kind, injected, duplicates.get(source))
        if kind not in QUARANTINED_FOR and kind not in FLAGGED_FOR:
            return Score(source, kind, copies.total(), None, None)
        caught = copies.keys() & set(about)
        missed = copies.keys() - caught
        if kind in FLAGGED_FOR:  # quarantined rows and second copies are never flagged
            again = by_kind.get((source, DUPLICATE), Counter())
            missed = {key for key in missed - quarantined if copies[key] > again[key]}
        return Score(source, kind, len(caught | missed), len(set(about)), len(caught))

    return [score_one(source, kind) for source, kind in sorted(by_kind)]


def _by_number(source: str, kind: str, injected: int, raised: int | None) -> Score:
    return Score(source, kind, injected, raised, None if raised is None else min(injected, raised))


def _faults(lake: Lake, sources: list[Source]) -> DataFrame:
    folders = [str(label_folder(lake.settings.home, source.name, lake.settings.night)) for source in sources]
    rows = lake.spark.read.schema("key STRING, kind STRING").json(folders)
    source = F.expr(r"regexp_extract(_metadata.file_path, '/truth/([^/]+)/', 1)").alias("source")
    return rows.select(source, "key", "kind")


def _alarms(lake: Lake, sources: list[Source]) -> DataFrame:
    names = [source.name for source in sources]
    quarantined = lake.read("ops.quarantine").where(
        (F.col("night") == lake.settings.night) & is_in("source", names)
    )
    return union(
        [
            quarantined.select("source", "key", "reasons", F.lit(True).alias("is_quarantined")),
            *(_flagged(lake, source) for source in sources),
        ]
    )


def _flagged(lake: Lake, source: Source) -> DataFrame:
    silver = SILVER[source.silver]
    happened = [name for name in ("event_date", "changed_at") if name in silver.column_names]
    is_late = F.col(happened[0]).cast("date") < F.col("_night") if happened else F.lit(False)
    tonight = lake.read(silver.full_name).where(F.col("_night") == lake.settings.night)
    return tonight.where((F.cardinality("_flags") > 0) | is_late).select(
        F.lit(source.name).alias("source"),
        F.concat_ws(",", *[F.col(name).cast("string") for name in source.key]).alias("key"),
        F.array_compact(F.concat("_flags", F.array(F.when(is_late, LATE)))).alias("reasons"),
        F.lit(False).alias("is_quarantined"),
    )


def _accounts(lake: Lake) -> DataFrame:
    before = lake.settings.night - timedelta(days=1)
    return accounts.of_nights(lake, [lake.settings.night, before]).select("source", "night", "duplicates")


def _duplicates(lake: Lake, counted: Iterable[Row]) -> dict[str, int | None]:
    counts: dict[date, dict[str, int]] = defaultdict(dict)
    for row in counted:
        counts[row.night][row.source] = row.duplicates
    before = counts[lake.settings.night - timedelta(days=1)]
    is_first = lake.settings.night == FIRST_NIGHT
    return {
        source: found if is_first or source in before else None
        for source, found in counts[lake.settings.night].items()
    }
