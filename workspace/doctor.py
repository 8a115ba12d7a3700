"""Says, one line a check, whether a run on a target will find what it needs. Changes nothing."""

from __future__ import annotations

import io
import tempfile
import uuid
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from databricks.sdk.errors import NotFound, PermissionDenied
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.catalog import SchemaInfo
from platforms.databricks_client import deployed_wheel, hook_of, stored, workspace_client

from workspace.client import EXPECTED, Failed, Place, answering_host, one_line, principal_of
from workspace.compute import check_compute
from workspace.deploy import digest, no_catalog
from workspace.wheel import BUILDER, build, read

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.iam import User

Check = Callable[[], str]
DEPLOY = "`make deploy TARGET={}`"


def examine(place: Place) -> bool:
    """Print a line per check; True if none failed. What needs a failed check is skipped."""
    doctor = Doctor(place)
    checks: tuple[tuple[str, str | None, Check], ...] = (
        ("connection", None, doctor.connection),
        ("host", "connection", doctor.host),
        ("auth", "host", doctor.auth),
        ("catalog", "auth", doctor.catalog),
        ("schemas", "catalog", doctor.schemas),
        ("volume", "schemas", doctor.volume),
        ("wheel", "volume", doctor.wheel),
        ("compute", "auth", doctor.compute),
    )
    well: dict[str, bool] = {}
    for name, needs, check in checks:
        if needs and not well[needs]:
            well[name] = False
            _say("skipped", name, f"needs {needs}")
            continue
        try:
            _say("ok", name, check())
            well[name] = True
        except EXPECTED as error:
            _say("FAILED", name, one_line(error))
            well[name] = False
    return all(well.values())


def _say(status: str, name: str, text: str) -> None:
    print(f"{status:<8} {name:<11} {text}", flush=True)


class Doctor:
    """The checks of one target. Each gives what it found, or raises one of EXPECTED with what to do."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.deploy = DEPLOY.format(place.name)

    @cached_property
    def client(self) -> WorkspaceClient:
        """The workspace."""
        return workspace_client(self.place.databricks.connection)

    @cached_property
    def me(self) -> User:
        """Whom the workspace takes the connection for."""
        return principal_of(self.client, self.place.databricks.connection)

    def connection(self) -> str:
        """Airflow has the connection, with a host."""
        found = hook_of(self.place.databricks.connection).databricks_conn
        kind = "service principal (OAuth)" if found.extra_dejson.get("service_principal_oauth") else "token"
        kind = kind if found.password else "other"
        return f"{self.place.databricks.connection}, credentials: {kind}"

    def host(self) -> str:
        """Name, network and certificate are good."""
        return f"{answering_host(self.place.databricks.connection)} answers"

    def auth(self) -> str:
        """The credentials are let in."""
        return f"{self.me.display_name or self.me.user_name} ({self.me.user_name})"

    def catalog(self) -> str:
        """Every catalog can be used; reading one takes USE CATALOG."""
        for catalog in self.place.catalogs:
            try:
                self.client.catalogs.get(catalog)
            except (NotFound, PermissionDenied):
                raise Failed(no_catalog(catalog, str(self.me.user_name))) from None
        return ", ".join(self.place.catalogs)

    def schemas(self) -> str:
        """Every schema is there; reading one takes USE SCHEMA."""
        missing = [schema for schema in self.place.schemas if self._schema(schema) is None]
        if missing:
            raise Failed(
                f"{', '.join(missing)}: not there, or not usable by {self.me.user_name}; {self.deploy}"
            )
        return ", ".join(self.place.schemas)

    def _schema(self, schema: str) -> SchemaInfo | None:
        try:
            return self.client.schemas.get(schema)
        except (NotFound, PermissionDenied):
            return None

    def volume(self) -> str:
        """The volume takes a file and gives it up again."""
        try:
            self.client.volumes.read(self.place.volume)
        except (NotFound, PermissionDenied):
            raise Failed(
                f"{self.place.volume} is not there, or not readable by {self.me.user_name}; {self.deploy}"
            ) from None
        probe = f"/Volumes/{self.place.volume.replace('.', '/')}/.doctor-{uuid.uuid4().hex}"
        try:
            self.client.files.upload(probe, io.BytesIO(b"probe"), overwrite=True)
            self.client.files.delete(probe)
        except DatabricksError as error:
            catalog, schema, volume = self.place.volume.split(".")
            raise Failed(
                f"{self.place.volume} takes no files: {one_line(error)}; GRANT READ VOLUME, WRITE VOLUME ON VOLUME "
                f"`{catalog}`.`{schema}`.`{volume}` TO `{self.me.user_name}`"
            ) from None
        return f"{self.place.volume}, a file was written and deleted"

    def wheel(self) -> str:
        """The wheel that stages will run is there, and whether it is of this checkout."""
        path = deployed_wheel(self.place.databricks.connection, self.place.target.home)
        if path is None:
            raise Failed(f"no wheel has been deployed to {self.place.wheels}; {self.deploy}")
        there = stored(self.client, path)
        if there is None:
            raise Failed(f"{path} is not there; {self.deploy}")
        name = path.rpartition("/")[2]
        return f"{name}, {self._compared(name, there)}"

    def _compared(self, name: str, there: bytes) -> str:
        if not BUILDER.exists():
            return f"sha256 {digest(there)}; not compared with this checkout, which has no build tools"
        with tempfile.TemporaryDirectory() as folder:
            built = read(build(Path(folder)))
        if (built.name, built.content) == (name, there):
            return f"built from these files (sha256 {digest(there)})"
        return f"WARNING: not built from these files, which make {built.name}; {self.deploy} replaces it"

    def compute(self) -> str:
        """What the stages run on, as far as it can be seen without running anything."""
        return check_compute(self.client, self.place.databricks, self.me)
