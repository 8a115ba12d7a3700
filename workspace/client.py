"""A target's location in a workspace, the checks of its connection, and errors in one line."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from databricks.sdk.errors import NotFound, PermissionDenied, Unauthenticated
from databricks.sdk.errors.base import DatabricksError
from platforms.databricks_client import WHEELS, ClusterProblem, ConnectionProblem, address_of, hook_of

from catalog.tables import SCHEMAS

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.iam import User
    from targets import Databricks, Target

HOST_SECONDS = 10.0


class Refused(Exception):
    """Wrong usage: the text says what, where and what to do."""


class Failed(Exception):
    """Something failed: the text says what, where and what to do."""


@dataclass(frozen=True)
class Location:
    """Location of a target in its workspace: its volume, schemas and catalogs."""

    name: str
    """The target's name in targets.toml."""

    target: Target
    databricks: Databricks
    volume: str
    """`catalog.schema.volume` of the lake's folder."""

    @property
    def schemas(self) -> tuple[str, ...]:
        """Full names of the schemas that the jobs use, and the volume's own."""
        layers = [f"{self.target.catalog}.{self.target.prefix}{layer}" for layer in SCHEMAS]
        return tuple(dict.fromkeys([*layers, self.volume.rpartition(".")[0]]))

    @property
    def catalogs(self) -> tuple[str, ...]:
        """The catalogs of these schemas."""
        return tuple(dict.fromkeys(schema.partition(".")[0] for schema in self.schemas))

    @property
    def wheels(self) -> str:
        """Folder of the wheels."""
        return f"{self.target.home}/{WHEELS}"


def location_of(name: str, target: Target) -> Location:
    """Return a target's location. Raises Refused for one that is not on Databricks or not in a volume."""
    if target.platform != "databricks" or target.databricks is None:
        raise Refused(
            f"target {name} runs on platform {target.platform!r}, there is nothing to deploy; "
            "name a databricks target of dags/targets.toml, for example dev"
        )
    volume = _volume_of(f"targets.toml [{name}]: home", target.home)
    return Location(name, target, target.databricks, volume)


def _volume_of(where: str, path: str) -> str:
    found = re.fullmatch(r"/Volumes/([^/]+)/([^/]+)/([^/]+)(/.*)?", path)
    if not found or ".." in path.split("/"):
        raise Refused(f"{where} must be /Volumes/<catalog>/<schema>/<volume>[/…]; it is {path}")
    return ".".join(found.groups()[:3])


def answering_host(connection: str) -> str:
    """Return the workspace's address after it has answered. Raises ConnectionProblem, or Failed after 10 seconds."""
    hook = hook_of(connection)
    address = address_of(hook)
    try:
        requests.get(address, timeout=HOST_SECONDS, allow_redirects=False, proxies=hook.proxies)
    except requests.exceptions.SSLError as error:
        raise Failed(
            f"{address} has a certificate that is not trusted here ({_innermost(error)}); if a proxy signs what "
            "passes through it, point REQUESTS_CA_BUNDLE at its certificate"
        ) from None
    except requests.RequestException as error:
        raise Failed(
            f"{address} cannot be reached ({_innermost(error)}); check the connection's host, VPN and proxy"
        ) from None
    return address


def principal_of(client: WorkspaceClient, connection: str) -> User:
    """Return the workspace's user of a connection. Raises Failed when its credentials are refused."""
    try:
        return client.current_user.me()
    except (Unauthenticated, PermissionDenied) as error:
        raise Failed(
            f"wrong credentials: the workspace refused those of connection {connection} ({_first_line(error)}); "
            "check that the token is of this workspace and has not expired"
        ) from None
    except (NotFound, requests.exceptions.JSONDecodeError):
        raise Failed(
            f"{client.config.host} does not answer as a Databricks workspace does; check the host of connection "
            f"{connection}"
        ) from None


def _innermost(error: BaseException) -> str:
    """Return the reason of an error in few words, without the layers of libraries around it."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, socket.gaierror):
            return "no such host name"
        if isinstance(inner, ConnectionRefusedError):
            return "connection refused"
        reason = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
        inner = reason if isinstance(reason, BaseException) else inner.__cause__ or inner.__context__
    if isinstance(error, requests.Timeout):
        return f"no answer within {HOST_SECONDS:.0f} s"
    text = re.search(r"certificate verify failed: [^(\[]+", str(error))
    return text[0].strip() if text else type(error).__name__


def one_line(error: Exception) -> str:
    """Return an error in one line, without the client's configuration that the SDK appends."""
    if isinstance(error, TimeoutError) and error.__cause__:
        return f"{error}; last: {_first_line(error.__cause__)}"
    return f"not allowed: {_first_line(error)}" if isinstance(error, PermissionDenied) else _first_line(error)


def _first_line(error: BaseException) -> str:
    lines = str(error).partition(". Config: ")[0].strip().splitlines()
    # Some lines have all that their reader needs, such as a grant to run; those of others can be pages long.
    return lines[0][:600] if lines else "no reason given"


EXPECTED = (
    DatabricksError,
    ClusterProblem,
    ConnectionProblem,
    Failed,
    TimeoutError,
    requests.RequestException,
)
"""What a call to the workspace can raise."""
