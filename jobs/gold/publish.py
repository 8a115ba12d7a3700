"""Stage `publish`: what staging holds and the check has passed becomes gold."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from catalog.run_result import DONE
from catalog.tables import GOLD, SOURCES, TABLES, Table, sources_of
from jobs.delta.digests import Digest
from jobs.delta.frames import is_in
from jobs.delta.lake import Lake
from jobs.errors import JobError
from jobs.files import write_lines
from jobs.flat_files import csv_lines
from jobs.gold import partial, restatements
from jobs.gold.stage import lacks
from jobs.iceberg import catalogs
from jobs.iceberg import gold as iceberg
from jobs.outcome import TableResult
from jobs.settings import Settings
from jobs.state import accounts, run_results, staged_slices
from jobs.state.progress import StepProgress
from jobs.state.staged_slices import Staged

if TYPE_CHECKING:
    from jobs.iceberg.copies import Copied

PARALLEL = 3
EXPORT = "iot_gold_export.csv"


def run(lake: Lake) -> list[TableResult]:
    """Replace the staged slices of every selected gold table, each table in one atomic commit.

    A slice that a run has published which staged it later is left as it is, and so is what this one has published.
    Slices of other nights that come out different are recorded in `ops.restatements`. Safe to repeat. Rows of a
    result: rows published, whose detail says if an earlier attempt had, and where their copy in Iceberg is, if any.

    Raises JobError when this run has staged nothing, not all of the selected tables, or something else than it checked.
    """
    staged = staged_slices.staged(lake)
    known = ("ops.digests", restatements.TABLE, accounts.TABLE)
    gold, there = {table.full_name for table in lake.settings.gold}, lake.names("gold")
    new = {name for name in gold if TABLES[name].name not in there}
    lake.ensure([*(gold - new), *known])
    if not staged.is_published:
        _refuse_unchecked(lake.settings, staged)
        _publish_all(lake, staged, new)
        # Those of which there was nothing to publish.
        lake.ensure(new)
    if "climate_hourly" in lake.settings.tables:
        _export(lake)
    catalog = catalogs.named()
    copies = iceberg.copy(lake, catalog, lake.settings.gold) if catalog else {}
    accounts.publish(lake, _sources_whole(lake, staged), staged.at)
    return [
        TableResult(
            table.full_name,
            sum(each.rows for each in staged.slices[table.name]),
            _unlike_written(staged, table) | _copied(copies.get(table.full_name)),
        )
        for table in lake.settings.gold
    ]


def _unlike_written(staged: Staged, table: Table) -> dict[str, object]:
    """Why this attempt wrote fewer rows than it has published; empty if it wrote them all."""
    in_part = sum(each.parts is not None for each in staged.slices[table.name])
    why = {"was_published": staged.is_published, "in_part": in_part}
    return {name: value for name, value in why.items() if value}


def _copied(copy: "Copied | None") -> dict[str, object]:
    """Where a table's copy is, and how many rows were written for it; empty if it has none."""
    return {"iceberg": {"location": copy.table.location(), "rows": copy.rows}} if copy else {}


def _refuse_unchecked(settings: Settings, staged: Staged) -> None:
    """Raise JobError when the run's check has seen something else than it has staged now, or has refused it."""
    name = staged.staging.name
    for check in run_results.of_night(settings):
        if check.stage != "check_gold":
            continue
        # An earlier version's result does not say what it saw.
        seen = {table.table for table in check.tables if table.detail.get("staged", name) == name}
        if check.status != DONE or not seen >= {table.full_name for table in settings.gold}:
            raise JobError(
                f"what run {settings.run_id} has staged is not what it checked, or did not pass; "
                "run `check --layer gold` again"
            )


def _publish_all(lake: Lake, staged: Staged, new: Collection[str]) -> None:
    """Make gold of all that is staged; tables that are new are created with it."""
    by_name = {GOLD[table].full_name: slices for table, slices in staged.slices.items() if slices}
    days = {name: [each.slice for each in slices] for name, slices in by_name.items()}
    progress = StepProgress(lake.settings, by_name)

    def publish(name: str) -> None:
        (_create if name in new else _replace)(lake, staged, TABLES[name])
        progress.done(name, sum(each.rows for each in by_name[name]))

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(publish, by_name.keys() - new))
        restatements.record(lake, by_name)
        lake.record_digests(days, _digests(by_name))
        # At last: of a table that is there, a run that takes up where this one ended no longer makes the past.
        list(pool.map(publish, by_name.keys() & new))
    staged_slices.publish(staged)


def _digests(staged: restatements.Slices) -> list[Digest]:
    """The digests of the slices that have rows: gold is what was staged."""
    return [
        Digest(name, each.slice, each.rows, each.digest, each.code)
        for name, slices in staged.items()
        for each in slices
        if each.digest
    ]


def _create(lake: Lake, staged: Staged, table: Table) -> None:
    """Create a table with the slices that are staged."""
    rows = staged.rows(table).where(is_in(table.slice, [each.slice for each in staged.slices[table.name]]))
    if not lake.create_with(table.full_name, rows):
        _replace(lake, staged, table)


def _replace(lake: Lake, staged: Staged, table: Table) -> None:
    """Replace a table's slices by those staged, of some only the parts that were."""
    slices = staged.slices[table.name]
    partials = {each.slice: each.parts for each in slices if each.parts is not None}
    these = partial.replaced(table, [each.slice for each in slices], partials)
    lake.replace_where(table.full_name, staged.rows(table).where(these), these)


def sources_done(lake: Lake) -> list[str]:
    """The sources all of whose gold tables a run publishes; those that cannot have rows yet are not waited for.

    The nights of all others stay due: the next run that has the tables left out publishes them there, too.
    """
    left_out = [table for name, table in GOLD.items() if name not in lake.settings.tables]
    lacking = {source for table in left_out if not lacks(lake, table) for source in sources_of(table)}
    return [name for name, source in SOURCES.items() if source not in lacking]


def _sources_whole(lake: Lake, staged: Staged) -> list[str]:
    """Those of `sources_done` of which no slice is left to another run."""
    left = {source.name for name in staged.incomplete for source in sources_of(GOLD[name])}
    return [name for name in sources_done(lake) if name not in left]


def _export(lake: Lake) -> None:
    """Write `gold.climate_hourly` to one CSV file that spreadsheets may open without fear."""
    hours = lake.read("gold.climate_hourly").orderBy("hour", "location")
    write_lines(lake.settings.home / "export" / EXPORT, csv_lines(hours))
