"""Datasets by OpenLineage's naming: where the rows of a `layer.name` are, and what is known of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.lineage import fields_of
from catalog.tables import GOLD, TABLES

Json = dict[str, Any]

PRODUCER = "urn:iot-lakehouse:jobs"
SPECIFICATION = "https://openlineage.io/spec"
# Folders of the lake that are datasets, by the layer that the catalog's lineage has them under. What a step stages
# lies in a folder of each attempt; lineage is about the one above.
FOLDERS = {"landing": "landing", "staging": "staging", "export": "export", "pages": "data-docs"}


def facet(name: str, version: str, **fields: object) -> Json:
    """Return a facet by the name and version of its schema."""
    schema = f"{SPECIFICATION}/facets/{version}/{name}.json#/$defs/{name}"
    return {"_producer": PRODUCER, "_schemaURL": schema, **fields}


@dataclass(frozen=True)
class Naming:
    """Where the datasets of one lake are."""

    home: Path
    catalog: str
    prefix: str
    workspace: str = ""  # host of the Databricks workspace; empty on a local server
    broker: str = ""  # Kafka's address, host and port
    copy: str = ""  # where the copy of a gold table in Iceberg is

    def of(self, dataset: str) -> Json:
        """Return the namespace and name of a dataset given as `layer.name`."""
        layer, _, name = dataset.partition(".")
        if layer == "kafka":
            return _named(f"kafka://{self.broker}", name)
        if layer == "iceberg":
            return _of_location(self.copy)
        if layer in FOLDERS:
            return _named(self._namespace, f"{self.home}/{FOLDERS[layer]}/{name}")
        schema = f"{self.prefix}{layer}"
        if self.workspace:
            return _named(self._namespace, f"{self.catalog}.{schema}.{name}")
        return _named(self._namespace, f"{self._warehouse}/{schema}.db/{name}")

    def facets_of(self, dataset: str) -> Json:
        """Return what is known of a dataset: its columns, its grain, and the name under which Spark has a table."""
        found: Json = {}
        if columns := fields_of(dataset):
            found["schema"] = facet("SchemaDatasetFacet", "1-2-0", fields=_fields(columns))
        layer, _, name = dataset.partition(".")
        if table := GOLD.get(name) if layer in ("staging", "iceberg") else TABLES.get(dataset):
            found["documentation"] = facet("DocumentationDatasetFacet", "1-1-0", description=table.grain)
        return found | self.symlinks_of(dataset)

    def symlinks_of(self, dataset: str) -> Json:
        """Return the name under which Spark has a table whose own name here is its folder."""
        if dataset not in TABLES or self.workspace:
            return {}
        also = {"namespace": f"file:{self._warehouse}", "name": f"{self.prefix}{dataset}", "type": "TABLE"}
        return {"symlinks": facet("SymlinksDatasetFacet", "1-0-1", identifiers=[also])}

    @property
    def _namespace(self) -> str:
        return f"databricks://{self.workspace}" if self.workspace else "file"

    @property
    def _warehouse(self) -> str:
        # As spark/connect-server has it.
        return f"{self.home}/warehouse"


def _named(namespace: str, name: str) -> Json:
    return {"namespace": namespace, "name": name}


def _of_location(location: str) -> Json:
    """Return the namespace and name of a folder, or of what begins with a key in a bucket."""
    scheme, separator, rest = location.partition("://")
    if scheme == "file" or not separator:
        return _named("file", rest or location)
    bucket, _, key = rest.partition("/")
    return _named(f"{scheme}://{bucket}", key)


def _fields(columns: Mapping[str, str]) -> list[Json]:
    return [{"name": name, "type": kind} for name, kind in columns.items()]
