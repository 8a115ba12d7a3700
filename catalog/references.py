"""Whether what the catalog's sources and tables name of each other is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.columns import holds
from catalog.reading import CatalogError, Sections

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from catalog.tables import Source, Table

LOOKED_UP = ("device_id", "device_type", "valid_from")  # of a device's versions: the type that it had by then


def check_references(
    catalog: Sections,
    sources: Mapping[str, Source],
    accepted: Mapping[str, Table],
    derived: Mapping[str, Table],
    gold: Mapping[str, Table],
) -> None:
    """Raise CatalogError, with its place, for a reference to what is not defined, or defined too late."""
    _check_sources(catalog, sources, accepted)
    for table in accepted.values():
        if table.lookup and (flaw := _flaw_of_lookup(table, derived)):
            raise CatalogError(f"{catalog.where('silver', table.name)}: lookup names {flaw}")
    before = set(accepted)
    for name, table in derived.items():
        _check_reads(catalog.where("derived", name), table, before)
        before.add(name)
    for name, table in gold.items():
        _check_reads(catalog.where("gold", name), table, before)
        if unknown := sorted(set(table.uses) - catalog["ops"].keys()):
            where = catalog.where("gold", name)
            raise CatalogError(f"{where}: uses {', '.join(unknown)}, which is no table of [ops.X]")
        lacking = [read for read in table.reads if read in derived or table.part not in accepted[read].types]
        if table.part and lacking:
            where = catalog.where("gold", name)
            raise CatalogError(
                f"{where}: part is {table.part}, which no rows of a source have in {lacking[0]}"
            )
    if twice := sorted(sources.keys() & gold.keys()):
        raise CatalogError(f"{catalog.where('gold', twice[0])}: a source has this name, too")


def _flaw_of_lookup(table: Table, derived: Mapping[str, Table]) -> str:
    """Return what is wrong with the table that devices are looked up in; empty if nothing."""
    if table.lookup not in derived:
        return f"unknown derived table {table.lookup}"
    kinds = derived[table.lookup].types
    if lacking := [name for name in LOOKED_UP if name not in kinds]:
        return f"{table.lookup}, which has no {', '.join(lacking)}"
    if (kind := table.types.get("device_id")) != kinds["device_id"]:
        return f"{table.lookup}, whose device_id is {kinds['device_id']}, not {kind} as here"
    return ""


def _check_reads(where: str, table: Table, before: Collection[str]) -> None:
    """A table is made after those that it reads, so these are named before it."""
    if unknown := sorted(set(table.reads) - set(before)):
        raise CatalogError(f"{where}: reads {', '.join(unknown)}, which no file defines before it")


def _check_sources(catalog: Sections, sources: Mapping[str, Source], accepted: Mapping[str, Table]) -> None:
    """Each source fills a table of its own, whose rows of a night are the source's."""
    of_table: dict[str, str] = {}
    for source in sources.values():
        if (other := of_table.setdefault(source.silver, source.name)) != source.name:
            where = catalog.where("sources", source.name)
            raise CatalogError(
                f"{where}: {other} fills [silver.{source.silver}] already; each has one of its own"
            )
        if source.silver not in accepted:
            where = catalog.where("sources", source.name)
            raise CatalogError(f"{where}: no table [silver.{source.silver}]")
        if flaw := source.key_flaw(accepted[source.silver].types):
            raise CatalogError(f"{catalog.where('silver', source.silver)}: {flaw}")
        if flaw := _flaw_of_types(source, accepted[source.silver]):
            raise CatalogError(f"{catalog.where('silver', source.silver)}: {flaw}")


def _flaw_of_types(source: Source, table: Table) -> str:
    """Return which column would not have the values of its source's; empty if none."""
    if table.is_dated and (not source.is_timed or "event_date" in source.fields):
        return (
            f"event_date is the day of timestamp: [sources.{source.name}] needs a column timestamp of type "
            "TIMESTAMP or DATE, and none called event_date (`names` can lead to another)"
        )
    for name, kind in table.types.items():
        if not holds(kind, its := source.fields.get(name, kind)):
            return (
                f"{name} is {kind}, which has no room for each {its} of [sources.{source.name}]; give both one "
                "type, or what is made of it a name of its own"
            )
        if name in source.key and its == "STRING" != kind:
            return (
                f"{name} is {kind}, and a STRING in the key of [sources.{source.name}], of which two could become one "
                "(007 and 7); give both one type"
            )
    return ""
