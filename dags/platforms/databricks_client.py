"""A client of the Databricks SDK that takes host and credentials from an Airflow connection alone."""

from __future__ import annotations

import os
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import requests
from airflow.providers.databricks.hooks.databricks import DatabricksHook
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.credentials_provider import CredentialsStrategy
from databricks.sdk.errors import NotFound
from databricks.sdk.service.compute import ClusterSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OAUTH = "service_principal_oauth"


# Where `make deploy` puts wheels below a target's home, and the file that holds the name of the last one.
WHEELS, LATEST = "wheels", "latest.txt"


class ClusterProblem(Exception):
    """A new cluster has a key or value that does not exist; the text is one line."""


class ConnectionProblem(Exception):
    """The connection cannot be used; the text is one line that says why and holds no secret."""


def workspace_client(connection: str, retry_seconds: int = 60) -> WorkspaceClient:
    """A client of the workspace that an Airflow connection names, whatever kind of authentication it has.

    `retry_seconds` is how long one call may be repeated while the workspace is busy or out of reach. Raises
    ConnectionProblem. Talks to nobody yet: the first call asks for a token, and a later one when it expires.
    """
    hook = hook_of(connection)
    config = _ConnectionConfig(
        host=address_of(hook),
        credentials_strategy=_ConnectionCredentials(hook),
        retry_timeout_seconds=retry_seconds,
        http_timeout_seconds=30,
        # Files here are small: one request to the workspace, none to storage that a firewall may hide.
        disable_experimental_files_api_client=True,
    )
    client = WorkspaceClient(config=config)
    if hook.proxies:
        # With each request, as the hook does it: a session's proxies come after those of the environment.
        session = client.api_client._api_client._session
        session.request = partial(session.request, proxies=hook.proxies)  # type: ignore[method-assign]
    return client


def deployed_wheel(connection: str, home: str) -> str | None:
    """Path of the wheel that was deployed last into a lake's volume; None if there is none yet."""
    name = stored(workspace_client(connection), f"{home}/{WHEELS}/{LATEST}")
    return f"{home}/{WHEELS}/{name.decode().strip()}" if name else None


def stored(client: WorkspaceClient, path: str) -> bytes | None:
    """A file of a volume, None if there is no such file."""
    try:
        download = client.files.download(path)
    except NotFound:
        return None
    if download.contents is None:
        return b""
    with download.contents as stream:
        return stream.read()


def require_known(cluster: dict[str, Any]) -> None:
    """Raise ClusterProblem for a key or a value within a new cluster that the Clusters API does not have.

    The API itself ignores unknown keys, and would create another cluster than intended.
    """
    try:
        unknown = sorted(_lost(cluster, ClusterSpec.from_dict(cluster).as_dict()))
    except (AttributeError, TypeError) as error:
        raise ClusterProblem(f"new_cluster: something in it must be a table and is none ({error})") from None
    if unknown:
        raise ClusterProblem(f"new_cluster: the Clusters API has no {', '.join(unknown)}")


def _lost(given: Any, kept: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of entries that the SDK's dataclasses have lost."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            yield from _lost(value, kept.get(key), f"{path}.{key}" if path else key)
    elif isinstance(given, list) and isinstance(kept, list):
        for number, (value, other) in enumerate(zip(given, kept, strict=True)):
            yield from _lost(value, other, f"{path}[{number}]")
    # The SDK leaves out what is empty.
    elif given not in ({}, []) and given != kept:
        yield path if isinstance(given, dict | list) else f"{path} = {given!r}"


def hook_of(connection: str) -> DatabricksHook:
    """Return the provider's hook. Raises ConnectionProblem if its connection is missing or incomplete."""
    hook = DatabricksHook(connection, caller="lakehouse")
    try:
        found = hook.databricks_conn
    except AirflowNotFoundException:
        raise ConnectionProblem(_not_found(connection)) from None
    if not hook.host:
        raise ConnectionProblem(
            f"connection {connection} has no host; give the workspace's address, https://….cloud.databricks.com"
        )
    if found.extra_dejson.get(OAUTH) and not (found.login and found.password):
        raise ConnectionProblem(
            f"connection {connection} has no credentials: {OAUTH} needs the client id as login "
            "and the client secret as password"
        )
    return hook


def address_of(hook: DatabricksHook) -> str:
    """The workspace's address, `https://host[:port]`."""
    return str(hook._endpoint_url("")).rstrip("/")  # type: ignore[no-untyped-call]


def headers_of(hook: DatabricksHook) -> dict[str, str]:
    """Return the authorization headers of a request; a token is kept until it expires. Raises ConnectionProblem."""
    connection = hook.databricks_conn_id
    try:
        token = hook._get_token(raise_error=True)
        return {**hook._get_aad_headers(), "Authorization": f"Bearer {token}"}
    except (AirflowException, ValueError, OSError, requests.RequestException) as error:
        # Not chained: nobody knows what a token endpoint's answer repeats.
        raise ConnectionProblem(_refused(connection, str(error))) from None


def _not_found(connection: str) -> str:
    variable = f"AIRFLOW_CONN_{connection.upper()}"
    if os.environ.get(variable):
        return f"{variable} is set but is no connection; write it as JSON, as docs/databricks.md shows"
    return f"Airflow has no connection {connection}; set {variable} or use `airflow connections add`"


def _refused(connection: str, text: str) -> str:
    if "isn't configured" in text:
        return (
            f"connection {connection} has no credentials; a service principal's client id and secret as login and "
            f'password with extra {{"{OAUTH}": true}}, or a token as password and no login'
        )
    if status := re.search(r"Status Code: (4\d\d)", text):
        return (
            f"wrong credentials: the workspace refused those of connection {connection} "
            f"(HTTP {status[1]}); check client id and secret, and that the secret has not expired"
        )
    return (
        f"no token for connection {connection}: {text.splitlines()[0][:300] if text else 'no reason given'}"
    )


# The SDK collects these from the class it is first asked for; a subclass would have none.
Config.attributes()


class _ConnectionConfig(Config):
    """Reads the connection and nothing else."""

    def _load_from_env(self) -> None:
        """Ignore DATABRICKS_* variables, which the DAG does not use either."""

    def _known_file_config_loader(self) -> None:
        """Ignore profiles of ~/.databrickscfg."""

    def _resolve_host_metadata(self) -> None:
        """Do not ask the host for its kind: the request would bypass the connection's proxy."""


class _ConnectionCredentials(CredentialsStrategy):
    """Takes tokens from the provider's hook, so that this client authenticates exactly as the DAG does."""

    NAME = "airflow-connection"

    def __init__(self, hook: DatabricksHook) -> None:
        self._hook = hook

    def auth_type(self) -> str:
        return self.NAME

    def __call__(self, cfg: Config) -> Callable[[], dict[str, str]]:
        return lambda: headers_of(self._hook)
