"""The graph that lineage events draw, and the one that the catalog says, each as edges between `layer.name`."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from catalog.tables import ACCEPTED, DERIVED, GOLD, SOURCES, sources_of

Event = dict[str, Any]
Edges = set[tuple[str, str]]
LAYERS = {"landing": "landing", "staging": "staging", "export": "export", "data-docs": "pages"}


def read_events(folder: Path) -> dict[str, list[Event]]:
    """Step -> the events that it left in a run's folder."""
    ending = ".openlineage.jsonl"
    return {
        file.name.removesuffix(ending): [json.loads(line) for line in file.read_text().splitlines()]
        for file in sorted(folder.glob(f"*{ending}"))
    }


def name_of(dataset: Event, prefix: str = "") -> str:
    """The name in the catalog of a dataset of a local lake: of a table that which Spark has, else by its folder."""
    if links := dataset["facets"].get("symlinks"):
        (link,) = links["identifiers"]
        assert dataset["name"].endswith(f"/{link['name'].replace('.', '.db/')}")
        return link["name"].removeprefix(prefix)
    *_, above, folder, name = dataset["name"].split("/")
    if above == "iceberg":
        return f"iceberg.{name}"
    return f"{LAYERS[folder]}.{name}"


def edges(events: Iterable[Event], prefix: str = "") -> Edges:
    """What is made of what, by the jobs that are done."""
    return {
        (name_of(read, prefix), name_of(written, prefix))
        for event in events
        if event["eventType"] == "COMPLETE"
        for read in event["inputs"]
        for written in event["outputs"]
    }


def by_the_catalog(selected: Collection[str], has_copies: bool = False) -> Edges:
    """From the landing zone to gold, its export and copies, by what sources and tables say that they are made of."""
    sources = [source for name, source in SOURCES.items() if name in selected]
    found = {(f"landing.{source.name}", f"bronze.{source.name}") for source in sources}
    found |= {(f"landing.{source.name}", "ops.rejected_files") for source in sources}
    for source in sources:
        lookup = ACCEPTED[source.silver].lookup
        reads = [f"bronze.{source.name}", *([f"silver.{lookup}"] if lookup else [])]
        found |= {(read, made) for read in reads for made in (f"silver.{source.silver}", "ops.quarantine")}
    for table in DERIVED.values():
        if sources_of(table).keys() & {*sources}:
            found |= {(f"silver.{read}", f"silver.{table.name}") for read in table.reads}
    for table in GOLD.values():
        if table.name in selected:
            found |= {(f"silver.{read}", f"staging.{table.name}") for read in table.reads}
            found |= {(f"ops.{used}", f"staging.{table.name}") for used in table.uses}
            found.add((f"staging.{table.name}", f"gold.{table.name}"))
            found |= {(f"gold.{table.name}", f"iceberg.{table.name}")} if has_copies else set()
    if "climate_hourly" in selected:
        found.add(("gold.climate_hourly", "export.iot_gold_export.csv"))
    return found
