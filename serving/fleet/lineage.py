"""A table's way through the lake, up and down, as the catalog says: what it is made from, what is made from it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from catalog import lineage, tables
from serving.fleet.figure import Group, Name, Section
from serving.readable import readable

if TYPE_CHECKING:
    from serving.fleet.filters import Filters
    from serving.fleet.snapshot import Snapshot

TABLES = ()  # the catalog alone
LAYERS = {
    "landing": "Landing zone",
    "bronze": "Bronze: as it came",
    "silver": "Silver: validated",
    "gold": "Gold: published",
    "ops": "Kept by the platform",
    "export": "Export",
    "pages": "Pages",
}


def section(_snapshot: Snapshot, filters: Filters, _night: date) -> Section | None:
    """The way of the dataset that is asked for, layer by layer; None when none is."""
    if filters.table is None:
        return None
    chosen = filters.table
    up, down = lineage.way(chosen, lineage.made_from()), lineage.way(chosen, lineage.made_of_it())
    steps = {chosen: 0} | up | down
    layers: dict[str, list[Name]] = {}
    for dataset in (each for each in lineage.made_from() if each in steps):
        layer, _, name = dataset.partition(".")
        layers.setdefault(layer, []).append(
            Name(name, filters.link("lineage", table=dataset), steps[dataset])
        )
    groups = [Group(title, layers[layer]) for layer, title in LAYERS.items() if layer in layers]
    links = [("its columns and rows, by the API", f"../v1/tables/{chosen}")] if chosen in readable() else []
    links.append(("close", filters.link("tables", table=None)))
    text = f"{_grain(chosen)} Each name leads to its own lineage; those one step away are bold.".strip()
    return Section("lineage", f"Lineage of {chosen}", text, links=links, groups=groups)


def _grain(dataset: str) -> str:
    layer, _, name = dataset.partition(".")
    if layer == "landing":
        return f"Files of {tables.SOURCES[name].format}."
    return tables.TABLES[dataset].grain.replace("`", "") if dataset in tables.TABLES else ""
