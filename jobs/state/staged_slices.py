"""The staged slices of gold: which slices of which gold table each run has built, `_slices.json` beside their rows.

The only module that reads or writes these files; `jobs.state` says what becomes of a slice. Each lies in the folder of
`jobs.delta.staging` that has the rows, and is written once all of these are. Only its own run changes it: what a later
staging takes from it is said beside it, in `_superseded-<folder of that>.json`. No table, since each look at one and
each change of it is several queries, in every night.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import Table
from jobs.delta.lake import Lake
from jobs.delta.staging import Staging, root
from jobs.errors import JobError
from jobs.files import write_atomically
from jobs.settings import Settings

FILE, SUPERSEDED = "_slices.json", "_superseded-{}.json"


@dataclass(frozen=True)
class StagedSlice:
    """A slice as it was staged: its rows and digest once published, and which late rows changed one that was before."""

    slice: date
    rows: int
    digest: str | None  # none without rows
    late_rows: Mapping[str, int]  # by source
    hours: Sequence[int]  # of the day (UTC) that have late rows, of a table by the hour
    parts: Sequence[str] | None = None  # those that were made anew; None for the whole slice
    code: str | None = None  # a hash of what it was built by


@dataclass(frozen=True)
class _Attempt:
    """What one attempt at `gold` has staged, but for what is superseded."""

    folder: str
    run_id: str
    at: str  # the moment (UTC) at which it was staged
    published_at: str | None
    slices: Mapping[str, Sequence[StagedSlice]]  # by gold table, also of which nothing was touched
    left_out: Mapping[str, Sequence[str]]  # gold table -> slices that are left to another run

    def keep(self, settings: Settings) -> None:
        """Write what there is of it."""
        file = root(settings) / self.folder / FILE
        write_atomically(file, json.dumps(asdict(self), indent=1, default=str))


@dataclass(frozen=True)
class Beginning:
    """What a run has to know as it begins to stage."""

    moment: str  # UTC
    kept: Collection[str]  # folders of other runs that have not published what they have staged


def begin(lake: Lake) -> Beginning:
    """Look at what is staged, before silver is read."""
    # By the clock that the accounts are written by, and of a row that is no table's: no query is run for it.
    row = lake.spark.createDataFrame([(0,)], "nothing INT").select(F.current_timestamp().cast("string"))
    others = [each for each in _attempts(lake.settings) if each.run_id != lake.settings.run_id]
    kept = {each.folder for each in others if not each.published_at and any(each.slices.values())}
    return Beginning(row.collect()[0][0], kept)


def stage(
    lake: Lake,
    staged: Mapping[str, Iterable[StagedSlice]],
    beginning: Beginning,
    folder: str,
    left_out: Mapping[str, Sequence[date]],
) -> None:
    """Keep which slices of which gold table this run has staged, in which folder, and when it began to.

    `left_out` has the tables that may lack slices, with those that are left to another run.
    """
    run_id = lake.settings.run_id
    slices = {name: [*of_table] for name, of_table in staged.items()}
    left = {name: [*map(str, days)] for name, days in left_out.items()}
    _Attempt(folder, run_id, beginning.moment, None, slices, left).keep(lake.settings)
    for each in _attempts(lake.settings):
        if each.run_id == run_id and each.folder < folder:
            _forget(lake.settings, each)


@dataclass(frozen=True)
class Staged:
    """What a run has staged and no later one has published."""

    slices: Mapping[str, Sequence[StagedSlice]]  # by gold table
    at: str  # the moment (UTC) at which it was staged
    is_published: bool  # all of it has become gold: another run may have cleared the rows away since
    staging: Staging
    incomplete: frozenset[str]  # gold tables of which slices may be left to another run

    def rows(self, table: Table) -> DataFrame:
        """Return the staged rows of a gold table; those of some of its slices may be superseded."""
        if self.slices[table.name]:
            return self.staging.read(table)
        return self.staging.lake.spark.createDataFrame([], table.columns)


def staged(lake: Lake) -> Staged:
    """What this run has staged and no later one has published.

    Raises JobError when there is nothing, or when a selected table is not among it.
    """
    own = _newest(lake)
    if lacking := sorted({table.name for table in lake.settings.gold} - own.slices.keys()):
        raise JobError(
            f"run {lake.settings.run_id} has not staged {', '.join(lacking)}; run `gold` with the same tables first"
        )
    slices = {table.name: own.slices[table.name] for table in lake.settings.gold}
    staging = Staging(lake, own.folder)
    return Staged(slices, own.at, own.published_at is not None, staging, frozenset(own.left_out))


def publish(staged: Staged) -> None:
    """Mark what this run has staged as published; what older runs have staged of the same slices is superseded.

    What other runs have published is forgotten. Safe to repeat.
    """
    settings, own = staged.staging.lake.settings, staged.staging.name
    slices = {table: [str(each.slice) for each in of_table] for table, of_table in staged.slices.items()}
    for each in [*_attempts(settings)]:
        if each.folder == own:
            replace(each, published_at=str(datetime.now(UTC))).keep(settings)
        elif each.run_id != settings.run_id and each.published_at:
            _forget(settings, each)
        # What an older run has staged of these slices knows less of silver and must not come after.
        elif each.run_id != settings.run_id and each.at < staged.at:
            write_atomically(root(settings) / each.folder / SUPERSEDED.format(own), json.dumps(slices))


def _newest(lake: Lake) -> _Attempt:
    """This run's newest attempt: one that was given up may have ended after it; folders are named by their time."""
    run_id = lake.settings.run_id
    own = [each for each in _attempts(lake.settings) if each.run_id == run_id]
    if not own:
        raise JobError(
            f"run {run_id} has staged nothing, or another has cleared it away since it was published; run `gold` and "
            "`check --layer gold` first"
        )
    return max(own, key=lambda each: each.folder)


def _attempts(settings: Settings) -> Iterator[_Attempt]:
    """All that is staged, of whichever run."""
    for file in sorted(root(settings).glob(f"*/{FILE}")):
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:  # another run has cleared it away meanwhile
            continue
        taken = [json.loads(each.read_text()) for each in file.parent.glob(SUPERSEDED.format("*"))]
        slices = {
            table: [
                _slice(each)
                for each in of_table
                if not any(each["slice"] in other.get(table, ()) for other in taken)
            ]
            for table, of_table in kept["slices"].items()
        }
        yield _Attempt(**{**kept, "slices": slices})


def _slice(kept: dict[str, Any]) -> StagedSlice:
    return StagedSlice(**{**kept, "slice": date.fromisoformat(kept["slice"])})


def _forget(settings: Settings, attempt: _Attempt) -> None:
    (root(settings) / attempt.folder / FILE).unlink(missing_ok=True)
