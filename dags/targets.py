"""Reads `targets.toml`, strictly: a typo must not silently run a night in the wrong place."""

from __future__ import annotations

import os
import tomllib
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

FILE = Path(__file__).with_name("targets.toml")

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


@dataclass(frozen=True)
class Serverless:
    """Serverless compute of Databricks."""

    environment_version: str
    """Version of Databricks' base environment, for example "4"."""


@dataclass(frozen=True)
class Databricks:
    """What only Databricks needs to know. One of the three kinds of compute is given."""

    connection: str
    """Airflow connection that holds host and credentials."""

    serverless: Serverless | None = None
    existing_cluster_id: str | None = None
    new_cluster: dict[str, Any] | None = None
    """A cluster for each stage's run, as the Clusters API takes it."""

    viewers: tuple[str, ...] = ()
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
        # What is within these keys is held against the SDK, which takes a second to import, before it is submitted.
        _refuse_unknown("new_cluster: ", self.new_cluster or {}, CLUSTER_KEYS)


@dataclass(frozen=True)
class Target:
    """Where a night runs."""

    platform: str
    """Key of `platforms.PLATFORMS`."""

    catalog: str
    """First part of every table's name."""

    prefix: str
    """Put before each schema's name, so that several people can share a catalog."""

    home: str
    """The lake's folder: landing, checkpoints, data docs. On Databricks in a volume, with the wheels."""

    databricks: Databricks | None = None


def load_target(name: str | None = None, file: Path = FILE) -> Target:
    """The target of that name, by default the one in LAKEHOUSE_TARGET, else `local`.

    Raises ValueError (TypeError for a value of the wrong type) naming the file, the target and the key.
    """
    name = name or os.environ.get("LAKEHOUSE_TARGET") or "local"
    targets = tomllib.loads(file.read_text())
    if name not in targets:
        raise ValueError(f"{file.name}: no target {name!r}; there are: {', '.join(targets)}")
    target: Target = _strict(Target, f"{file.name} [{name}", targets[name])
    return target


def _strict(kind: type[Any], where: str, values: dict[str, Any]) -> Any:
    """The dataclass made of a TOML table; `where` is the table's header without its closing bracket."""
    hints = get_type_hints(kind)
    _refuse_unknown(f"{where}]: ", values, hints)
    if missing := [each.name for each in fields(kind) if each.default is MISSING and each.name not in values]:
        raise ValueError(f"{where}]: missing key {', '.join(missing)}")
    read = {key: _value(hints[key], where, key, value) for key, value in values.items()}
    try:
        return kind(**read)
    except ValueError as error:
        raise ValueError(f"{where}]: {error}") from None


def _refuse_unknown(where: str, found: Any, known: Any) -> None:
    if unknown := sorted(set(found) - set(known)):
        raise ValueError(f"{where}unknown key {', '.join(unknown)}; known are: {', '.join(sorted(known))}")


def _value(hint: Any, where: str, key: str, value: object) -> Any:
    kinds = get_args(hint) or (hint,)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise TypeError(f"{where}]: {key} must be a list of texts, not {value!r}")
        return tuple(_text(f"{where}]", key, each) for each in value)
    if str in kinds:
        return _text(f"{where}]", key, value)
    if not isinstance(value, dict):
        raise TypeError(f"{where}]: {key} must be a table, not {value!r}")
    nested = next((kind for kind in kinds if is_dataclass(kind)), None)
    return _strict(nested, f"{where}.{key}", value) if isinstance(nested, type) else value


def _text(where: str, key: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{where}: {key} must be text, not {value!r}")
    if not value.startswith("$"):
        return value
    found = os.environ.get(value[1:])
    if not found:
        raise ValueError(f"{where}: {key} comes from {value}, which is not set in the environment")
    return found
