"""Where the lake of this Airflow is, by its target."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from targets import load_target

from serving.problems import Problem

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from targets import Databricks, Target

    from serving.answers import Lake
    from serving.local import LocalLake


# Of a call while the workspace is busy or out of reach; a request has 30.
RETRY_SECONDS = 20


def lake() -> LocalLake:
    """Return the lake of the target. Raises Problem for a target that is not complete, or has no lake of files here."""
    target = _target()
    if target.databricks:
        detail = f"the target's tables are on {target.platform}, and files of this machine are read here: ask there"
        raise Problem(501, "No lake", detail)
    return _of_files(target)


def reader() -> Lake:
    """Return what reads the target's tables: its files here, or a SQL warehouse. Raises Problem where neither can."""
    target = _target()
    return _on_databricks(target, target.databricks) if target.databricks else _of_files(target)


def _target() -> Target:
    try:
        return load_target()
    except ValueError as error:
        raise Problem(501, "No lake", str(error)) from None


def _of_files(target: Target) -> LocalLake:
    from serving.local import LocalLake

    return LocalLake(Path(target.home).absolute(), target.prefix)


def _on_databricks(target: Target, databricks: Databricks) -> Lake:
    from platforms.databricks_client import ConnectionProblem

    from serving.warehouse import WarehouseLake

    if not databricks.warehouse_id:
        detail = "the target has no SQL warehouse to read through: give it warehouse_id in dags/targets.toml"
        raise Problem(501, "No lake", detail)
    try:
        client = _client(databricks.connection)
    except ConnectionProblem as error:
        raise Problem(502, "No connection", str(error)) from None
    return WarehouseLake(client, databricks.warehouse_id, target.catalog, target.prefix)


@cache  # it keeps its token and its connections
def _client(connection: str) -> WorkspaceClient:
    from platforms.databricks_client import workspace_client

    return workspace_client(connection, RETRY_SECONDS)
