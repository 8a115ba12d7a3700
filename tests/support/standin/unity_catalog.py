"""Unity Catalog: catalogs, schemas and volumes are folders three deep."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from databricks.sdk.service import catalog
from fastapi import APIRouter, Request

from tests.support.standin.errors import ApiError
from tests.support.standin.shapes import checked, read_request

KINDS = ("CATALOG", "SCHEMA", "VOLUME")
NAME = re.compile(r"[^\s./\x00-\x1f\x7f]{1,255}")


def routes(folder: Path) -> APIRouter:
    """Give the routes below /api/2.1/unity-catalog."""
    router = APIRouter(prefix="/api/2.1/unity-catalog")

    def locate(full_name: str, kind: str) -> Path:
        """Give the folder of something that exists, having looked at what it lies in first."""
        parts = full_name.split(".")
        if len(parts) != KINDS.index(kind) + 1 or not all(NAME.fullmatch(part) for part in parts):
            raise ApiError("INVALID_PARAMETER_VALUE", f"'{full_name}' is not a valid {kind.lower()} name.")
        for depth in range(len(parts)):
            if not folder.joinpath(*parts[: depth + 1]).is_dir():
                name = ".".join(parts[: depth + 1])
                raise ApiError(
                    f"{KINDS[depth]}_DOES_NOT_EXIST", f"{KINDS[depth].capitalize()} '{name}' does not exist."
                )
        return folder.joinpath(*parts)

    def create(parent: Path, name: str, kind: str, code: str) -> None:
        if not NAME.fullmatch(name):
            raise ApiError("INVALID_PARAMETER_VALUE", f"Name [{name}] is not a valid name.")
        if (parent / name).is_dir():
            raise ApiError(code, f"{kind.capitalize()} '{name}' already exists")
        (parent / name).mkdir()

    def user(request: Request) -> str:
        return str(request.app.state.settings.user)

    def catalog_info(name: str, request: Request) -> dict[str, Any]:
        return {
            "name": name,
            "full_name": name,
            "catalog_type": "MANAGED_CATALOG",
            "securable_type": "CATALOG",
            "owner": user(request),
        }

    def schema_info(path: Path, request: Request) -> dict[str, Any]:
        above = path.parent.name
        return {
            "name": path.name,
            "catalog_name": above,
            "full_name": f"{above}.{path.name}",
            "owner": user(request),
        }

    def volume_info(path: Path, request: Request) -> dict[str, Any]:
        schema, above = path.parent.name, path.parent.parent.name
        return {
            "name": path.name,
            "catalog_name": above,
            "schema_name": schema,
            "full_name": f"{above}.{schema}.{path.name}",
            "volume_type": "MANAGED",
            "storage_location": f"s3://stand-in/{above}/{schema}/{path.name}",
            "owner": user(request),
        }

    @router.get("/catalogs")
    def list_catalogs(request: Request) -> dict[str, Any]:
        infos = [catalog_info(path.name, request) for path in sorted(folder.iterdir())]
        return checked(catalog.ListCatalogsResponse, {"catalogs": infos})

    @router.get("/catalogs/{name}")
    def get_catalog(name: str, request: Request) -> dict[str, Any]:
        return checked(catalog.CatalogInfo, catalog_info(locate(name, "CATALOG").name, request))

    @router.get("/schemas")
    def list_schemas(catalog_name: str, request: Request) -> dict[str, Any]:
        infos = [schema_info(path, request) for path in sorted(locate(catalog_name, "CATALOG").iterdir())]
        return checked(catalog.ListSchemasResponse, {"schemas": infos})

    @router.get("/schemas/{full_name}")
    def get_schema(full_name: str, request: Request) -> dict[str, Any]:
        return checked(catalog.SchemaInfo, schema_info(locate(full_name, "SCHEMA"), request))

    @router.post("/schemas")
    def create_schema(request: Request) -> dict[str, Any]:
        body = read_request(catalog.SchemasAPI.create, json.loads(request.state.body or b"null"))
        parent = locate(body["catalog_name"], "CATALOG")
        create(parent, body["name"], "SCHEMA", "SCHEMA_ALREADY_EXISTS")
        return checked(catalog.SchemaInfo, schema_info(parent / body["name"], request))

    @router.delete("/schemas/{full_name}")
    def delete_schema(full_name: str, force: bool = False) -> dict[str, Any]:
        path = locate(full_name, "SCHEMA")
        if any(path.iterdir()) and not force:
            raise ApiError("INVALID_STATE", f"Cannot delete schema '{full_name}': it is not empty.")
        shutil.rmtree(path)
        return {}

    @router.get("/volumes")
    def list_volumes(catalog_name: str, schema_name: str, request: Request) -> dict[str, Any]:
        schema = locate(f"{catalog_name}.{schema_name}", "SCHEMA")
        infos = [volume_info(path, request) for path in sorted(schema.iterdir())]
        return checked(catalog.ListVolumesResponseContent, {"volumes": infos})

    @router.get("/volumes/{full_name}")
    def read_volume(full_name: str, request: Request) -> dict[str, Any]:
        return checked(catalog.VolumeInfo, volume_info(locate(full_name, "VOLUME"), request))

    @router.post("/volumes")
    def create_volume(request: Request) -> dict[str, Any]:
        body = read_request(catalog.VolumesAPI.create, json.loads(request.state.body or b"null"))
        if body["volume_type"] != "MANAGED":
            raise ApiError("INVALID_PARAMETER_VALUE", "The stand-in makes managed volumes only.")
        parent = locate(f"{body['catalog_name']}.{body['schema_name']}", "SCHEMA")
        create(parent, body["name"], "VOLUME", "ALREADY_EXISTS")
        return checked(catalog.VolumeInfo, volume_info(parent / body["name"], request))

    @router.delete("/volumes/{full_name}")
    def delete_volume(full_name: str) -> dict[str, Any]:
        shutil.rmtree(locate(full_name, "VOLUME"))
        return {}

    @router.get("/effective-permissions/{kind}/{full_name}")
    def effective_permissions(kind: str, full_name: str, request: Request) -> dict[str, Any]:
        locate(full_name, kind.upper())
        # The one user of the workspace owns everything in it.
        granted = [{"principal": user(request), "privileges": [{"privilege": "ALL_PRIVILEGES"}]}]
        return checked(catalog.EffectivePermissionsList, {"privilege_assignments": granted})

    return router
