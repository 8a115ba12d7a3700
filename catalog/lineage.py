"""What each step makes of what, by the catalog and `catalog/pipeline.py`: the way of a table's rows, up and down.

Datasets are named `layer.name`. Beside the layers of tables there are `landing` (a source's folder of files), `kafka`
(its topic), `staging` (rows of a gold table that are not published yet), `iceberg` (the copy of a gold table, in lakes
that have copies), `export` and `pages`. Tables in which the platform keeps its own state are left out: no row of data
comes from them.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from catalog.pipeline import CHECKED, MADE_FROM, ROW_ACCOUNTS, STAGES, STEPS, Step
from catalog.tables import DERIVED, GOLD, NAMES, SILVER, SOURCES, TABLES, Source, Table, sources_of

EXPORT = "export.iot_gold_export.csv"
EXPORTED = "gold.climate_hourly"
NIGHT = "night"  # what the report is about

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
    stage, (layer, _, name) = STAGES.get(step.partition("_")[0]), table.partition(".")
    is_known = table in TABLES or (layer in ("landing", "kafka") and name in SOURCES)
    if stage is None or not is_known or not (stage.reads or stage.writes):
        return None
    reads = tuple(read for each in stage.reads for read in _read(each, table))
    writes = tuple(each.format(table=table, name=name) for each in stage.writes)
    if layer == "silver" and name in DERIVED:
        writes = writes[:1]  # nothing of it is put into quarantine
    return Flow(NIGHT if table == ROW_ACCOUNTS else name, reads, writes)


def copying(table: str) -> Flow:
    """Return what `publish` does for the copy of a gold table in Iceberg."""
    copy = f"iceberg.{table.partition('.')[2]}"
    return Flow(copy, (table,), (copy,))


def night(selected: Collection[str], has_copies: bool = False) -> dict[str, list[Flow]]:
    """Return step -> what it does for these sources and gold tables, as `selection` gives them; in a night's order.

    `has_copies` says whether gold is copied to Iceberg, which is no matter of the catalog's.
    """
    return {step.name: list(_flows(step, selected, has_copies)) for step in STEPS}


def _flows(step: Step, selected: Collection[str], has_copies: bool) -> Iterator[Flow]:
    tables = _tables(step.results_layer, selected)
    yield from (found for table in tables if (found := flow(step.name, table)))
    if step.name == "publish" and EXPORTED in tables:
        yield EXPORTING
    if step.name == "publish" and has_copies:
        yield from map(copying, tables)


def _tables(layer: str, selected: Collection[str]) -> list[str]:
    """The tables of a run result: those of one layer that a night of these sources and gold tables has."""
    sources = [source for name, source in SOURCES.items() if name in selected]
    if layer == "silver":
        derived = [table.full_name for table in DERIVED.values() if sources_of(table).keys() & {*sources}]
        return [*(f"silver.{source.silver}" for source in sources), *derived]
    if layer == "gold":
        return [f"gold.{name}" for name in GOLD if name in selected]
    return [ROW_ACCOUNTS] if layer == "ops" else [f"{layer}.{source.name}" for source in sources]


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


def _read(dataset: str, table: str) -> tuple[str, ...]:
    """What a stage reads for a table where `catalog/pipeline.py` says so much of it."""
    layer, _, name = table.partition(".")
    if dataset == MADE_FROM:
        return _made_from(TABLES[table])
    if dataset == CHECKED:
        return (f"staging.{name}" if layer == "gold" else table,)
    return (dataset.format(table=table, name=name),)


def _made_from(table: Table) -> tuple[str, ...]:
    if source := _SOURCE_OF.get(table.full_name):
        lookup = SILVER[source.silver].lookup
        return (f"bronze.{source.name}", *([f"silver.{lookup}"] if lookup else []))
    return (*(f"silver.{name}" for name in table.reads), *(f"ops.{name}" for name in table.uses))


def _is_staged(dataset: str) -> bool:
    return dataset.startswith("staging.")


EXPORTING = Flow("export", (EXPORTED,), (EXPORT,))
