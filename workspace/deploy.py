"""Create the schemas and volume that a target's workspace lacks and upload the jobs' wheel. Safe to repeat."""

from __future__ import annotations

import hashlib
import io
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from databricks.sdk.errors import NotFound, PermissionDenied
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.catalog import VolumeType
from platforms.databricks_client import LATEST, stored, workspace_client

from workspace.client import EXPECTED, Failed, Location, answering_host, one_line, principal_of
from workspace.wheel import Wheel, build, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from databricks.sdk import WorkspaceClient


def deploy(location: Location, wheel: Path | None = None) -> None:
    """Create what this checkout needs in a target's workspace; print each step.

    Raises Refused (no wheel of the jobs) or Failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        built = read(wheel or build(Path(folder)))
    try:
        _deploy(location, built)
    except EXPECTED as error:
        raise Failed(one_line(error)) from None


def digest(content: bytes) -> str:
    """Return the first half of the SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()[:32]


def _deploy(location: Location, wheel: Wheel) -> None:
    address = answering_host(location.databricks.connection)
    client = workspace_client(location.databricks.connection)
    principal = principal_of(client, location.databricks.connection).user_name
    print(f"Target {location.name}: {address}, as {principal}", flush=True)
    for catalog in location.catalogs:
        _require_catalog(client, catalog, f"{principal}")
    for schema in location.schemas:
        _ensure_schema(client, schema, f"{principal}")
    _ensure_volume(client, location.volume, f"{principal}")
    path = f"{location.wheels}/{wheel.name}"
    _say("wheel", path, _upload(client, path, wheel.content))
    # After the wheel itself: a stage that begins now finds the one or the other whole.
    latest = f"{location.wheels}/{LATEST}"
    _say("latest", latest, _upload(client, latest, f"{wheel.name}\n".encode()))


def _say(kind: str, name: str, done: str) -> None:
    print(f"  {kind:<8}{name}: {done}", flush=True)


def _require_catalog(client: WorkspaceClient, catalog: str, principal: str) -> None:
    try:
        client.catalogs.get(catalog)
    except (NotFound, PermissionDenied):
        raise Failed(no_catalog(catalog, principal)) from None
    _say("catalog", catalog, "is there")


def no_catalog(catalog: str, principal: str) -> str:
    """Return a message for a catalog that is missing or forbidden, which Unity Catalog does not distinguish."""
    return (
        f"catalog {catalog} does not exist, or {principal} may not use it; deploy makes no catalogs, so have it "
        f"made, and: GRANT USE CATALOG, CREATE SCHEMA ON CATALOG `{catalog}` TO `{principal}`"
    )


def _ensure_schema(client: WorkspaceClient, schema: str, principal: str) -> None:
    catalog, _, name = schema.partition(".")
    made = _ensure(
        lambda: client.schemas.get(schema),
        lambda: client.schemas.create(name, catalog, comment="IoT Lakehouse"),
        f"{principal} may not create schema {schema}: GRANT CREATE SCHEMA ON CATALOG `{catalog}` TO `{principal}`",
    )
    _say("schema", schema, made)


def _ensure_volume(client: WorkspaceClient, volume: str, principal: str) -> None:
    catalog, schema, name = volume.split(".")
    made = _ensure(
        lambda: client.volumes.read(volume),
        lambda: client.volumes.create(
            catalog, schema, name, VolumeType.MANAGED, comment="Landing zone, staged rows, data docs, wheels"
        ),
        f"{principal} may not create volume {volume}: "
        f"GRANT CREATE VOLUME ON SCHEMA `{catalog}`.`{schema}` TO `{principal}`",
    )
    _say("volume", volume, made)


def _ensure(read: Callable[[], object], create: Callable[[], object], forbidden: str) -> str:
    try:
        read()
        return "is there"
    except NotFound:
        pass
    try:
        create()
    except PermissionDenied as error:
        raise Failed(f"{forbidden} ({one_line(error)})") from None
    except DatabricksError as error:
        # Someone else was faster. Unity Catalog says so in a code per kind: SCHEMA_ALREADY_EXISTS and so on.
        if not (error.error_code or "").endswith("ALREADY_EXISTS"):
            raise
        return "is there"
    return "created"


def _upload(client: WorkspaceClient, path: str, content: bytes) -> str:
    before = stored(client, path)
    if before == content:
        return f"is there, the same bytes (sha256 {digest(content)})"
    client.files.create_directory(path.rpartition("/")[0])
    # One request of known length: a broken one leaves what was there before, so no half wheel has this name.
    client.files.upload(path, io.BytesIO(content), overwrite=True)
    if (arrived := stored(client, path)) != content:
        if before is None and content.startswith(arrived or b""):
            with suppress(NotFound):
                client.files.delete(path)
            raise Failed(f"{path} did not arrive as it was sent, and was removed; run deploy again")
        # Not removed: the next stage reads what is there, and that may be another deploy's.
        raise Failed(f"{path} is not what was sent, as another deploy may have been faster; run deploy again")
    return (
        f"{'uploaded' if before is None else 'replaced'}, {len(content):,} bytes (sha256 {digest(content)})"
    )
