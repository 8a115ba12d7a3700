"""Check, one line each, whether a run on a target will find what it needs. Nothing is changed."""

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

from workspace.airflow_database import slots_of
from workspace.client import EXPECTED, Failed, Location, answering_host, one_line, principal_of
from workspace.compute import check_compute
from workspace.deploy import digest, no_catalog
from workspace.wheel import BUILDER, build, read

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.iam import User

Check = Callable[[], str]
DEPLOY = "`make deploy TARGET={}`"
POOL = "spark"
MAKE_POOL = f"`airflow pools set {POOL} 1 'One Spark task at a time'`"


def examine(location: Location) -> bool:
    """Print a line per check; return whether none failed. A check that needs a failed one is skipped."""
    doctor = Doctor(location)
    checks: tuple[tuple[str, str | None, Check], ...] = (
        ("connection", None, doctor.connection),
        ("host", "connection", doctor.host),
        ("auth", "host", doctor.auth),
        ("catalog", "auth", doctor.catalog),
        ("schemas", "catalog", doctor.schemas),
        ("volume", "schemas", doctor.volume),
        ("wheel", "volume", doctor.wheel),
        ("compute", "auth", doctor.compute),
        ("pool", None, doctor.pool),
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
    """The checks of one target. Each returns what it found, or raises one of EXPECTED with what to do."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self.deploy = DEPLOY.format(location.name)

    @cached_property
    def client(self) -> WorkspaceClient:
        """The workspace."""
        return workspace_client(self.location.databricks.connection)

    @cached_property
    def me(self) -> User:
        """The workspace's user of the connection."""
        return principal_of(self.client, self.location.databricks.connection)

    def connection(self) -> str:
        """Check that Airflow has the connection, with a host."""
        found = hook_of(self.location.databricks.connection).databricks_conn
        kind = "service principal (OAuth)" if found.extra_dejson.get("service_principal_oauth") else "token"
        kind = kind if found.password else "other"
        return f"{self.location.databricks.connection}, credentials: {kind}"

    def host(self) -> str:
        """Check host name, network and certificate."""
        return f"{answering_host(self.location.databricks.connection)} answers"

    def auth(self) -> str:
        """Check that the credentials are accepted."""
        return f"{self.me.display_name or self.me.user_name} ({self.me.user_name})"

    def catalog(self) -> str:
        """Check that every catalog can be used; reading one takes USE CATALOG."""
        for catalog in self.location.catalogs:
            try:
                self.client.catalogs.get(catalog)
            except (NotFound, PermissionDenied):
                raise Failed(no_catalog(catalog, str(self.me.user_name))) from None
        return ", ".join(self.location.catalogs)

    def schemas(self) -> str:
        """Check that every schema exists; reading one takes USE SCHEMA."""
        missing = [schema for schema in self.location.schemas if self._schema(schema) is None]
        if missing:
            raise Failed(
                f"{', '.join(missing)}: not there, or not usable by {self.me.user_name}; {self.deploy}"
            )
        return ", ".join(self.location.schemas)

    def _schema(self, schema: str) -> SchemaInfo | None:
        try:
            return self.client.schemas.get(schema)
        except (NotFound, PermissionDenied):
            return None

    def volume(self) -> str:
        """Check that a file can be written to the volume and deleted."""
        try:
            self.client.volumes.read(self.location.volume)
        except (NotFound, PermissionDenied):
            raise Failed(
                f"{self.location.volume} is not there, or not readable by {self.me.user_name}; {self.deploy}"
            ) from None
        probe = f"/Volumes/{self.location.volume.replace('.', '/')}/.doctor-{uuid.uuid4().hex}"
        try:
            self.client.files.upload(probe, io.BytesIO(b"probe"), overwrite=True)
            self.client.files.delete(probe)
        except DatabricksError as error:
            catalog, schema, volume = self.location.volume.split(".")
            raise Failed(
                f"{self.location.volume} takes no files: {one_line(error)}; GRANT READ VOLUME, WRITE VOLUME ON VOLUME "
                f"`{catalog}`.`{schema}`.`{volume}` TO `{self.me.user_name}`"
            ) from None
        return f"{self.location.volume}, a file was written and deleted"

    def wheel(self) -> str:
        """Check that the wheel that stages will run exists; compare it with this checkout."""
        path = deployed_wheel(self.location.databricks.connection, self.location.target.home)
        if path is None:
            raise Failed(f"no wheel has been deployed to {self.location.wheels}; {self.deploy}")
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
        """Check the compute of the stages, as far as possible without running anything."""
        return check_compute(self.client, self.location.databricks, self.me)

    def pool(self) -> str:
        """Check that Airflow has the pool that every task waits for, if its database can be asked from here."""
        slots = slots_of(POOL)
        if slots is None:
            return f"Not checked: no database of an Airflow answers here. One of your own needs {MAKE_POOL}"
        if slots == 0:
            raise Failed(f"Airflow has no pool {POOL} with a slot, so tasks would wait for ever: {MAKE_POOL}")
        if slots != 1:
            raise Failed(
                f"Airflow's pool {POOL} has {slots} slots, so stages would work on the same tables at once: {MAKE_POOL}"
            )
        return f"{POOL}, slots: {slots}"
