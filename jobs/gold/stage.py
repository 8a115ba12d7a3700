"""The stage itself: which slices of which gold table the night touched, and building them."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from pyspark.sql import DataFrame

from catalog.tables import SILVER, Table, sources_of
from jobs.day_spans import preceding
from jobs.delta.digests import digests_of
from jobs.delta.frames import is_in
from jobs.delta.lake import Lake
from jobs.delta.staging import Staging, remove_abandoned
from jobs.errors import ContractBroken
from jobs.gold import arrivals, partial, unchecked
from jobs.gold.arrivals import Arrivals
from jobs.gold.partial import Partials
from jobs.outcome import TableResult
from jobs.state import begun_batches, staged_slices, surveys
from jobs.state.progress import StepProgress
from jobs.state.staged_slices import StagedSlice
from jobs.state.surveys import Survey
from jobs.table_functions import table_function, uncut

PARALLEL = 3


def run(lake: Lake) -> list[TableResult]:
    """Build every selected gold table's touched slices into staging, and keep which they are.

    Touched is what changed in silver since gold was last published, this run's night in any case; of a table that is
    new in a lake with a past it is all. Each run stages for itself, so that runs may overlap, and leaves the slices to
    another that this run's check of silver does not cover. Rows of a result: rows staged.

    Raises ContractBroken when silver of a night that would be published did not pass its check, in whichever run.
    """
    # Before anything is read: publish takes this as the moment up to which the staged rows know of silver.
    beginning, staging = staged_slices.begin(lake), Staging(lake)
    # Before the accounts: what is accounted for in between is one or the other.
    begun = begun_batches.read(lake.settings)
    survey = surveys.of(lake, _sources(lake), unchecked.checked(lake.settings), begun)
    if survey.refused:
        raise ContractBroken(_refusal(survey.refused), [])
    due = _due(lake, survey)
    nights = _with_later(due, survey)
    arrived = _arrived(lake, survey, due, nights)
    slices = _touched(lake, nights, arrived)
    new = _of_new(lake, survey)
    partials = _in_part(lake, survey, {table: slices[table] for table in slices.keys() - new.keys()}, arrived)
    idle = idle_tables(lake)
    slices |= new | {table: [] for table in idle}
    left = unchecked.left_out(lake, slices, survey.unchecked) if survey.unchecked else {}
    slices = {table: sorted({*days} - {*left.get(table, ())}) for table, days in slices.items()}

    touched = [table for table, days in slices.items() if days]
    progress = StepProgress(lake.settings, (table.full_name for table in touched))

    def build(table: Table) -> None:
        staging.write(table, uncut(_frame(lake, table, slices[table], partials.get(table, {})), table))
        progress.done(table.full_name)

    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(build, touched))
    found = _staged(lake, staging, slices, arrived, partials)
    staged_slices.stage(lake, found, beginning, staging.name, {table.name: left[table] for table in left})
    remove_abandoned(lake.settings, {*beginning.kept, staging.name})

    def result(table: Table) -> TableResult:
        rows = sum(each.rows for each in found[table.name])
        detail = _detail(slices[table], partials.get(table, {}), left.get(table, ()), idle.get(table, ()))
        return TableResult(table.full_name, rows, detail)

    return [result(table) for table in slices]


def _detail(
    days: Collection[date], in_part: Partials, left: Collection[date], lacking: Collection[str]
) -> dict[str, object]:
    found = {"slices": len(days), "in_part": len(in_part), "left_out": [str(day) for day in left]}
    detail: dict[str, object] = {name: value for name, value in found.items() if value or name == "slices"}
    if lacking:
        detail["summary"] = f"no rows: there is no {', '.join(f'ops.{name}' for name in lacking)} yet"
    return detail


def _sources(lake: Lake) -> set[str]:
    """The sources that the selected gold tables are made from."""
    return {source.name for table in lake.settings.gold for source in sources_of(table)}


def _refusal(refused: Collection[tuple[str, date]]) -> str:
    named = ", ".join(f"{source} of {night}" for source, night in sorted(refused)[:5])
    return f"silver did not pass its check ({named}); mend it, and run that night's check_silver again"


def _due(lake: Lake, survey: Survey) -> set[date]:
    """This run's nights and those that silver has changed since gold was last published."""
    return set(lake.settings.nights).union(*survey.unpublished.values())


def _with_later(due: set[date], survey: Survey) -> set[date]:
    """An earlier night that comes late changes what later nights could look back on."""
    return due | {night for night in survey.nights if night > min(due)}


def _arrived(lake: Lake, survey: Survey, due: set[date], nights: set[date]) -> Arrivals:
    """What arrived in the nights that are due, and what others lost by it; `nights` has the later ones, too."""
    are_others = not nights <= set(lake.settings.nights)
    # Of a table by the night only slices of other nights ask what arrived.
    asked = [table for table in lake.settings.gold if are_others or table.slice != "night"]
    return arrivals.find(lake, asked, due, survey.unpublished)


def _touched(lake: Lake, nights: set[date], arrived: Arrivals) -> dict[Table, list[date]]:
    """The slices of each selected gold table that what arrived touches."""
    return {
        table: sorted(nights if table.slice == "night" else arrivals.touched(table, arrived.dates))
        for table in lake.settings.gold
    }


def _of_new(lake: Lake, survey: Survey) -> dict[Table, list[date]]:
    """All slices of the selected tables that gold does not have yet, although it has nights of their sources."""
    with_past = [
        table
        for table in lake.settings.gold
        if any(source.name in survey.published for source in sources_of(table))
    ]
    there = lake.names("gold") if with_past else set()
    if not (new := [table for table in with_past if table.name not in there]):
        return {}
    dates = arrivals.all_dates(lake, [table for table in new if table.slice != "night"])
    nights = survey.nights.union(lake.settings.nights)
    return {
        table: sorted(nights if table.slice == "night" else arrivals.touched(table, dates)) for table in new
    }


def idle_tables(lake: Lake) -> dict[Table, list[str]]:
    """The selected tables that have no rows, with what they lack."""
    return {table: names for table in lake.settings.gold if (names := lacks(lake, table))}


def lacks(lake: Lake, table: Table) -> list[str]:
    """Which tables of ops that a gold table is made with are not there yet: without them it has no rows."""
    return [name for name in table.uses if not lake.exists(f"ops.{name}")]


def _in_part(
    lake: Lake, survey: Survey, slices: Mapping[Table, Collection[date]], arrived: Arrivals
) -> dict[Table, Partials]:
    """The slices of each table that need not be made anew as a whole."""
    own, due = set(lake.settings.nights), set[date]().union(*survey.unpublished.values())
    if not survey.is_only_new or not own >= due or survey.unchecked:
        return {}
    late = {
        table: {
            day: sum(arrivals.late_rows(table, day, arrived.late).values()) for day in days if day not in own
        }
        for table, days in slices.items()
        if table.part
    }
    # Without late rows, it was touched by what gold has already.
    late = {table: {day: rows for day, rows in days.items() if rows} for table, days in late.items()}
    return partial.find(lake, {table: days for table, days in late.items() if days})


def _staged(
    lake: Lake,
    staging: Staging,
    slices: Mapping[Table, Collection[date]],
    arrived: Arrivals,
    partials: Mapping[Table, Partials],
) -> dict[str, list[StagedSlice]]:
    """What was staged of each gold table, by its bare name: each slice, as it is read back, and what of it is late."""
    rows = {table: staging.read(table) for table, days in slices.items() if days}
    digests = {(each.table, each.night): each for each in digests_of(rows)}

    def staged(table: Table, slice_: date) -> StagedSlice:
        in_part = partials.get(table, {}).get(slice_)
        digest = digests.get((table.full_name, slice_))
        if in_part:
            digest = partial.together(digest, in_part.rest)
        is_other = slice_ not in lake.settings.nights  # those alone can be restated
        return StagedSlice(
            slice_,
            digest.rows if digest else 0,
            digest.digest if digest else None,
            arrivals.late_rows(table, slice_, arrived.late) if is_other else {},
            arrivals.late_hours(table, slice_, arrived.hours) if is_other else [],
            in_part.parts if in_part else None,
            partial.code(),
        )

    return {table.name: [staged(table, slice_) for slice_ in days] for table, days in slices.items()}


def _frame(lake: Lake, table: Table, slices: Collection[date], partials: Partials) -> DataFrame:
    window = is_in("event_date", preceding(slices, table.days))
    if partials:
        window &= partial.replaced(table, slices, {day: each.parts for day, each in partials.items()})

    def read(name: str) -> DataFrame:
        rows = lake.read(f"silver.{name}")
        # Literal dates let Delta skip the files of all others.
        return rows.where(window) if SILVER[name].is_dated else rows

    frames = [read(name) for name in table.reads] + [lake.read(f"ops.{name}") for name in table.uses]
    build = table_function("build", table)
    if table.slice == "night":
        return build(*frames, lake.spark.createDataFrame([(night,) for night in slices], "night DATE"))
    return build(*frames).where(is_in(table.slice, slices))
