"""The catalog, read from `catalog/*.toml`: every source and every table, defined once.

It defines what a table *is*; `jobs/<layer>/tables/<table>.py` computes it, `expectations/<layer>/<table>.py` is its
contract.
"""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from catalog import reading
from catalog.columns import columns_of, tidy
from catalog.csv_format import frozen
from catalog.kinds import check_kinds
from catalog.reading import CatalogError as CatalogError
from catalog.references import check_references
from catalog.repeated import VALIDATED
from catalog.source import Source as Source

SCHEMAS = ("bronze", "silver", "staging", "gold", "ops")
# Of every silver row: the flag rules that it met, and the night in which its key first arrived.
PROVENANCE = "_flags ARRAY<STRING>, _night DATE"
BRONZE_PROVENANCE = "_rescued VARIANT, _malformed STRING, _file STRING, _night DATE, _ingested_at TIMESTAMP"


@dataclass(frozen=True)
class Table:
    """A Delta table that a stage writes."""

    name: str
    columns: str
    grain: str
    layer: str = ""
    slice: str = "_night"
    partition_by: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    days: int = 0
    zorder: tuple[str, ...] = ()
    lookup: str = ""
    part: str = ""
    uses: tuple[str, ...] = ()  # tables of ops that it is made with, without which it has no rows
    key: tuple[str, ...] = ()  # columns that tell its rows apart, as its suite checks
    comments: tuple[tuple[str, str], ...] = ()  # of columns, where they mean more than `[columns]` says

    def __post_init__(self) -> None:
        check_kinds(self)
        if self.part and (self.part not in self.column_names or self.slice != "event_date" or self.days):
            raise ValueError("part names a column of a table by event_date that looks at no other days")
        if self.slice not in self.column_names:
            raise ValueError(f"slice is {self.slice}, which is none of its columns")
        if odd := [each for each in (self.slice, "event_date") if self.types.get(each, "DATE") != "DATE"]:
            raise ValueError(f"{odd[0]} is {self.types[odd[0]]}; rows are replaced by a DATE")
        for said, names in (("zorder", self.zorder), ("key", self.key), ("comments", dict(self.comments))):
            if unknown := sorted(set(names) - set(self.column_names)):
                raise ValueError(f"{said} names {', '.join(unknown)}, which is none of its columns")

    @property
    def full_name(self) -> str:
        """`layer.name`, as in `silver.readings`."""
        return f"{self.layer}.{self.name}"

    @property
    def types(self) -> Mapping[str, str]:
        """Column name -> SQL type, in order."""
        return columns_of(self.columns)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(self.types)

    @property
    def meanings(self) -> Mapping[str, str]:
        """Column name -> what it means, in order; without those of which the catalog does not say it."""
        said = {**_catalog[reading.COLUMNS], **dict(self.comments)}
        return {name: said[name] for name in self.column_names if name in said}

    @property
    def is_dated(self) -> bool:
        """Whether each of its rows belongs to an `event_date`."""
        return "event_date" in self.column_names


def _read(kind: type[Any], section: str, name: str, values: dict[str, Any], **given: object) -> Any:
    """Build a Source or Table from a section of the catalog. Raises CatalogError for unknown or missing keys."""
    where = _catalog.where(section, name)
    known = {field.name for field in fields(kind)} - {"name", *given}
    if unknown := sorted(set(values) - known):
        raise CatalogError(
            f"{where}: unknown key {', '.join(unknown)}; known are: {', '.join(sorted(known))}"
        )
    required = {field.name for field in fields(kind) if field.default is MISSING} - {"name"}
    if missing := sorted(required - set(values)):
        raise CatalogError(f"{where}: missing key {', '.join(missing)}")
    if not (name.isidentifier() and name.isascii()):
        raise CatalogError(f"{where}: a name is made of letters, digits and underscores")
    settings = {key: frozen(value) for key, value in values.items()}
    if isinstance(values["columns"], str):
        settings["columns"] = tidy(values["columns"])
    try:
        return kind(name=name, **settings, **given)
    except ValueError as error:
        raise CatalogError(f"{where}: {error}") from None


def _silver(name: str, values: dict[str, Any]) -> Table:
    more = "".join(source.silver_provenance for source in SOURCES.values() if source.silver == name)
    if isinstance(values.get("columns"), str):
        values = {**values, "columns": f"{values['columns'].rstrip()}, {PROVENANCE}{more}"}
    return _dated(_read(Table, "silver", name, values, layer="silver", key=()))


def _dated(table: Table) -> Table:
    by_date = ("event_date",) if table.is_dated else ()
    return Table(**{**vars(table), "partition_by": by_date})


def _gold(name: str, values: dict[str, Any]) -> Table:
    return _read(Table, "gold", name, values, layer="gold", partition_by=(values.get("slice", "night"),))  # type: ignore[no-any-return]


def _bronze(source: Source) -> Table:
    columns = f"{source.columns}, {BRONZE_PROVENANCE}"
    return Table(source.name, columns, "One row per landed line.", "bronze", partition_by=("_night",))


_catalog = reading.read()
SOURCES: dict[str, Source] = {
    name: _read(Source, "sources", name, values) for name, values in _catalog["sources"].items()
}
ACCEPTED = {name: _silver(name, values) for name, values in _catalog["silver"].items()}
OPTIONAL = tuple(name for name, source in SOURCES.items() if source.optional)
# Sources that can be received from Kafka.
JSON_SOURCES = tuple(name for name, source in SOURCES.items() if source.format == "json")
STREAMED = tuple(name for name, source in SOURCES.items() if source.streamed)
# The bronze tables that `stream` writes itself, without the landing zone, and the source that each holds.
STREAMS = {f"stream_{name}": SOURCES[name] for name in STREAMED}
DERIVED: dict[str, Table] = {
    name: _dated(_read(Table, "derived", name, values, layer="silver"))
    for name, values in _catalog["derived"].items()
}
SILVER = ACCEPTED | DERIVED
GOLD = {name: _gold(name, values) for name, values in _catalog["gold"].items()}
_OPS: tuple[Table, ...] = tuple(
    _read(Table, "ops", name, values, layer="ops") for name, values in _catalog["ops"].items()
)
_SOURCE_OF = {source.silver: source for source in SOURCES.values()}
# The derived tables that facts look devices up in.
LOOKUPS = frozenset(table.lookup for table in ACCEPTED.values() if table.lookup)
# Why a fact is in quarantine whose device is in none of these.
UNKNOWN_DEVICE = "device is not in the registry"
# Of the registry, which not every catalog has.
DEVICE_FIELDS = SOURCES["devices"].fields if "devices" in SOURCES else {}
DEVICE_COLUMNS = tuple(DEVICE_FIELDS)


def _streamed(name: str, source: Source) -> Table:
    columns = f"{source.columns}, _night DATE"
    grain = "One row per event that the stream has sent."
    return Table(name, columns, grain, "bronze", partition_by=("_night",))


def validated(source: Source) -> Table:
    """The rows of a source's pending batch once they are validated, as `silver` stages them."""
    columns = f"{SILVER[source.silver].columns}, {VALIDATED}"
    return Table(source.name, columns, "One row per bronze row of a pending batch.", "staging")


check_references(_catalog, SOURCES, ACCEPTED, DERIVED, GOLD)
TABLES = {
    table.full_name: table
    for table in (
        *map(_bronze, SOURCES.values()),
        *(_streamed(name, source) for name, source in STREAMS.items()),
        *SILVER.values(),
        *GOLD.values(),
        *_OPS,
    )
}
NAMES = (*SOURCES, *GOLD)  # what `--tables` accepts


def sources_of(table: Table) -> dict[Source, int]:
    """Return the sources that a table is built from, with how many days before its own date it reads of each."""
    found: dict[Source, int] = {}
    for name in table.reads:
        below = sources_of(DERIVED[name]) if name in DERIVED else {_SOURCE_OF[name]: 0}
        for source, days in below.items():
            found[source] = max(found.get(source, 0), days + table.days)
    return found


# Facts are completed from the registry of devices, so its sources come along with every selection.
REGISTRY = tuple(source.name for name in sorted(LOOKUPS) for source in sources_of(DERIVED[name]))


def selection(names: Iterable[str]) -> frozenset[str]:
    """Return the sources and gold tables of a run: the named ones, what they read, and what reads them.

    The registry of devices is always included. Without names, all but the optional sources and the tables built
    from them.
    """
    chosen = set(names) or SOURCES.keys() - set(OPTIONAL)
    made_from = {table: {source.name for source in sources_of(table)} for table in GOLD.values()}
    chosen |= {table.name for table, sources in made_from.items() if chosen & sources}
    chosen |= {source for table, sources in made_from.items() if table.name in chosen for source in sources}
    return frozenset(chosen | set(REGISTRY))
