"""What each step makes of what, by the catalog: the way of a table's rows, up and down.

Datasets are named `layer.name`. Beside the layers of tables there are `landing` (a source's folder of files), `kafka`
(its topic), `staging` (rows of a gold table that are not published yet), `iceberg` (the copy of a gold table, in lakes
that have copies), `export` and `pages`. Tables in which the platform keeps its own state are left out: no row of data
comes from them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from catalog.pipeline import STEPS
from catalog.tables import DERIVED, GOLD, NAMES, SILVER, SOURCES, TABLES, Source, Table, sources_of

EXPORT = "export.iot_gold_export.csv"
EXPORTED = "gold.climate_hourly"
QUARANTINE, REJECTED = "ops.quarantine", "ops.rejected_files"
ACCOUNTS, SCORES, NIGHT_PAGES = "ops.row_accounts", "ops.detection_scores", "pages.nights"
# What the night's page is made of, beside what its queries read.
REPORTED = (ACCOUNTS, QUARANTINE, REJECTED, "ops.restatements", "ops.schema_drift")

# The source whose good rows a table of silver takes.
_SOURCE_OF = {f"silver.{source.silver}": source for source in SOURCES.values()}


@dataclass(frozen=True)
class Flow:
    """What one step does for one table."""

    name: str  # of what is worked on, unique within the step
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()  # what it is about comes first


def flow(step: str, table: str) -> Flow | None:
    """Return what a step does for a table of its run result, `layer.name`; None for what moves no rows."""
    stage, (layer, _, name) = step.partition("_")[0], table.partition(".")
    if stage not in _OF_STAGE or (
        table not in TABLES and not (layer in ("landing", "kafka") and name in SOURCES)
    ):
        return None
    return _OF_STAGE[stage](table, name)


def copying(table: str) -> Flow:
    """Return what `publish` does for the copy of a gold table in Iceberg."""
    copy = f"iceberg.{table.partition('.')[2]}"
    return Flow(copy, (table,), (copy,))


def flows(step: str, selected: Collection[str], has_copies: bool = False) -> Iterator[Flow]:
    """Yield what a step of a night does for these sources and gold tables, as `selection` gives them.

    `has_copies` says whether gold is copied to Iceberg, which is no matter of the catalog's.
    """
    sources = [source for name, source in SOURCES.items() if name in selected]
    derived = [table.full_name for table in DERIVED.values() if sources_of(table).keys() & {*sources}]
    gold = [f"gold.{name}" for name in GOLD if name in selected]
    of_layer = {
        "landing": [f"landing.{source.name}" for source in sources],
        "bronze": [f"bronze.{source.name}" for source in sources],
        "silver": [*(f"silver.{source.silver}" for source in sources), *derived],
        "gold": gold,
        "publish": gold,
        "report": [ACCOUNTS],
    }
    layer = "landing" if step == "generate" else step.removeprefix("check_")
    yield from (found for table in of_layer[layer] if (found := flow(step, table)))
    if step == "publish" and EXPORTED in gold:
        yield EXPORTING
    if step == "publish" and has_copies:
        yield from map(copying, gold)


def night(selected: Collection[str], has_copies: bool = False) -> dict[str, list[Flow]]:
    """Return the flows of each step of a night, in the order of the steps; see `flows`."""
    return {step.name: list(flows(step.name, selected, has_copies)) for step in STEPS}


@cache
def made_from() -> Mapping[str, tuple[str, ...]]:
    """Return dataset -> those that a night makes it from in one step, in the order in which a night makes them.

    Staged rows are passed over: a gold table is made from silver.
    """
    found: dict[str, dict[str, None]] = {}
    for made in (each for step in night(NAMES).values() for each in step if each.writes):
        reads: dict[str, None] = {}
        for read in made.reads:
            of_read = found.setdefault(read, {})
            reads |= of_read if _is_staged(read) else {read: None}
        for written in made.writes:
            found.setdefault(written, {}).update(reads)
    return {name: tuple(reads) for name, reads in found.items() if not _is_staged(name)}


@cache
def made_of_it() -> Mapping[str, tuple[str, ...]]:
    """Return dataset -> those that a night makes from it in one step: `made_from` the other way."""
    return {name: tuple(made for made, reads in made_from().items() if name in reads) for name in made_from()}


def way(dataset: str, steps: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Return each dataset that steps lead to from one, itself left out, with how many of them; the nearest first."""
    found, ends = {dataset: 0}, [dataset]
    while ends:
        ends = list(dict.fromkeys(name for end in ends for name in steps[end] if name not in found))
        found |= dict.fromkeys(ends, max(found.values()) + 1)
    del found[dataset]
    return found


def fields_of(dataset: str) -> Mapping[str, str]:
    """Column -> SQL type of a dataset, in order; empty for what has no columns that the catalog knows."""
    layer, _, name = dataset.partition(".")
    if layer in ("landing", "kafka"):
        return SOURCES[name].fields
    if layer in ("staging", "iceberg"):
        return GOLD[name].types
    return TABLES[dataset].types if dataset in TABLES else {}


def columns(made: Flow) -> dict[str, tuple[str, str]]:
    """Return column -> dataset and column that it is made from, for the first dataset that a flow writes.

    Only what names in the catalog say: of a table that is made from one other, and of a source's in silver, a column
    is made from that of the same name. Columns with a name of their own, and tables made from several, are left out:
    two tables that have a column in common need not have it from each other.
    """
    if not made.writes:
        return {}
    written = made.writes[0]
    own, source = fields_of(written), _SOURCE_OF.get(written)
    if not source and len(made.reads) != 1:
        return {}
    read = f"bronze.{source.name}" if source else made.reads[0]
    found = {name: (read, name) for name in own if name in fields_of(read)}
    return found | (_looked_up(source, own) if source else {})


def _looked_up(source: Source, own: Collection[str]) -> dict[str, tuple[str, str]]:
    """Which columns `silver` adds to those of a source, from where: the same for every source."""
    more = {}
    if "event_date" in own and "event_date" not in source.fields:
        more["event_date"] = (f"bronze.{source.name}", "timestamp")
    if lookup := SILVER[source.silver].lookup:
        more["device_type"] = (f"silver.{lookup}", "device_type")
    return more


def _silver(table: str, name: str) -> Flow:
    if name in DERIVED:
        return Flow(name, _read_by(DERIVED[name]), (table,))
    lookup = SILVER[name].lookup
    reads = (f"bronze.{_SOURCE_OF[table].name}", *([f"silver.{lookup}"] if lookup else []))
    return Flow(name, reads, (table, QUARANTINE))


def _read_by(table: Table) -> tuple[str, ...]:
    return (*(f"silver.{name}" for name in table.reads), *(f"ops.{name}" for name in table.uses))


def _staged(name: str) -> str:
    return f"staging.{name}"


def _is_staged(dataset: str) -> bool:
    return dataset.startswith("staging.")


EXPORTING = Flow("export", (EXPORTED,), (EXPORT,))
# Of a stage, what it does for a table: given in full, and without its layer.
_OF_STAGE: dict[str, Callable[[str, str], Flow]] = {
    "generate": lambda table, name: Flow(name, (), (table,)),
    "stream": lambda table, name: Flow(name, (), (table,)),
    "receive": lambda table, name: Flow(name, (f"kafka.{name}",), (table,)),
    "bronze": lambda table, name: Flow(name, (f"landing.{name}",), (table, REJECTED)),
    "silver": _silver,
    "check": lambda table, name: Flow(name, (_staged(name) if table.startswith("gold.") else table,)),
    "gold": lambda _, name: Flow(name, _read_by(GOLD[name]), (_staged(name),)),
    "publish": lambda table, name: Flow(name, (_staged(name),), (table,)),
    "train": lambda table, name: Flow(name, (), (table,)),
    "report": lambda _, name: Flow("night", REPORTED, (NIGHT_PAGES, SCORES)),
}
