"""Reads `targets.toml`, strictly: a typo must not silently run a night in the wrong place."""

from __future__ import annotations

import os
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, ValidationInfo
from pydantic.dataclasses import dataclass

from catalog.simulation import NONE, simulated

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

FILE = Path(__file__).with_name("targets.toml")
PROD = "prod"

# Fields of a cluster in Databricks' Clusters API (databricks.sdk.service.compute.ClusterSpec), those left out
# that the platform sets itself or that make no sense for a cluster that lives for one run.
CLUSTER_KEYS = frozenset(
    [
        "autoscale",
        "aws_attributes",
        "azure_attributes",
        "cluster_log_conf",
        "custom_tags",
        "data_security_mode",
        "docker_image",
        "driver_instance_pool_id",
        "driver_node_type_id",
        "enable_elastic_disk",
        "enable_local_disk_encryption",
        "gcp_attributes",
        "init_scripts",
        "instance_pool_id",
        "is_single_node",
        "kind",
        "node_type_id",
        "num_workers",
        "policy_id",
        "apply_policy_default_values",
        "runtime_engine",
        "single_user_name",
        "spark_conf",
        "spark_env_vars",
        "spark_version",
        "ssh_public_keys",
        "use_ml_runtime",
        "workload_type",
    ]
)


STRICT = ConfigDict(extra="forbid")


def _from_environment(text: str, info: ValidationInfo) -> str:
    if not text.startswith("$"):
        return text
    found = os.environ.get(text[1:])
    if not found:
        raise ValueError(f"{info.field_name} comes from {text}, which is not set in the environment")
    return found


def _of_the_clusters_api(cluster: dict[str, Any]) -> dict[str, Any]:
    # What is within these keys is compared with the SDK, which takes a second to import, before it is submitted.
    if unknown := sorted(cluster.keys() - CLUSTER_KEYS):
        known = ", ".join(sorted(CLUSTER_KEYS))
        raise ValueError(f"new_cluster: unknown key {', '.join(unknown)}; known are: {known}")
    return cluster


def _simulated(text: str) -> str:
    simulated(text)
    return text


Text = Annotated[str, AfterValidator(_from_environment)]
Simulated = Annotated[str, AfterValidator(_simulated)]
Hours = Annotated[int, Field(strict=True, ge=0)]
Cluster = Annotated[dict[str, Any], AfterValidator(_of_the_clusters_api)]


@dataclass(frozen=True, config=STRICT)
class Serverless:
    """Serverless compute of Databricks."""

    environment_version: Text
    """Version of Databricks' base environment, for example "4"."""


@dataclass(frozen=True, config=STRICT)
class Databricks:
    """What only Databricks needs to know. One of the three kinds of compute is given."""

    connection: Text
    """Airflow connection that holds host and credentials."""

    serverless: Serverless | None = None
    existing_cluster_id: Text | None = None
    new_cluster: Cluster | None = None
    """A cluster for each stage's run, as the Clusters API takes it."""

    warehouse_id: Text | None = None
    """SQL warehouse through which the API over gold reads; there is no such API without one."""

    viewers: tuple[Text, ...] = ()
    """Groups, and users by their address, who may see the submitted runs and their output."""

    def __post_init__(self) -> None:
        kinds = {
            "serverless": self.serverless,
            "existing_cluster_id": self.existing_cluster_id,
            "new_cluster": self.new_cluster,
        }
        given = [name for name, value in kinds.items() if value is not None]
        if len(given) != 1:
            raise ValueError(f"give one of {', '.join(kinds)}; there is {' and '.join(given) or 'none'}")


@dataclass(frozen=True, config=STRICT)
class Target:
    """Where a night runs."""

    platform: Text
    """Key of `platforms.PLATFORMS`."""

    catalog: Text
    """First part of every table's name."""

    prefix: Text
    """Put before each schema's name, so that several people can share a catalog."""

    home: Text
    """The lake's folder: landing, checkpoints, data docs. On Databricks in a volume, with the wheels."""

    databricks: Databricks | None = None

    simulate: Simulated = ""
    """The sources that are simulated where a run does not say it: all, none or names. Empty: as it fits the lake."""

    published_within_hours: Hours = 6
    """So long after a scheduled night was due somebody is notified if it is not published; 0: never."""


# Where each kind of table stands below a target's own.
TABLES: dict[tuple[str, ...], type[Any]] = {
    (): Target,
    ("databricks",): Databricks,
    ("databricks", "serverless"): Serverless,
}
MUST_BE = {
    "string_type": "a string",
    "int_type": "an integer",
    "tuple_type": "a list of strings",
    "dict_type": "a table",
    "dataclass_type": "a table",
}


def load_target(name: str | None = None, file: Path = FILE) -> Target:
    """The target of that name, by default the one in LAKEHOUSE_TARGET, else `local`.

    What it simulates is in LAKEHOUSE_SIMULATE, else in the file; a target called `prod` simulates nothing by itself.

    Raises ValueError that names the file, the target and every key that is wrong, in one line.
    """
    name = name or os.environ.get("LAKEHOUSE_TARGET") or "local"
    try:
        targets = tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{file.name} cannot be read: {error}") from None
    if name not in targets:
        raise ValueError(f"{file.name}: no target {name!r}; there are: {', '.join(targets)}")
    target = targets[name]
    if isinstance(target, dict):
        target = ({"simulate": NONE} if name == PROD else {}) | target
        target |= {"simulate": said} if (said := os.environ.get("LAKEHOUSE_SIMULATE")) else {}
    try:
        return TypeAdapter(Target).validate_python(target)
    except ValidationError as error:
        found = [_in_words(name, each) for each in error.errors(include_url=False)]
        raise ValueError(f"{file.name} {'; '.join(found)}") from None


def _in_words(target: str, error: ErrorDetails) -> str:
    # Without the number of a list's element.
    path = tuple(part for part in error["loc"] if isinstance(part, str))
    kind = error["type"]
    # A value error says itself which key it is about, or is about the whole table.
    table = path if kind == "value_error" and path in TABLES else path[:-1]
    key = path[-1] if path else target
    match kind:
        case "value_error":
            text = str(error["ctx"]["error"])
        case "missing":
            text = f"missing key {key}"
        case "unexpected_keyword_argument":
            known = sorted(field.name for field in fields(TABLES[table]))
            text = f"unknown key {key}; known are: {', '.join(known)}"
        case _ if kind in MUST_BE:
            text = f"{key} must be {MUST_BE[kind]}, not {error['input']!r}"
        case _:
            text = f"{key}: {error['msg']}"
    return f"[{'.'.join((target, *table))}]: {text}"
