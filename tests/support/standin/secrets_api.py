"""Secrets: a scope is a folder, a secret a file in it that only this user can read."""

import json
import re
from pathlib import Path
from typing import Any

from databricks.sdk.service import workspace
from fastapi import APIRouter, Request

from tests.support.standin.errors import ApiError
from tests.support.standin.shapes import read_request

NAME = re.compile(r"[A-Za-z0-9._@-]{1,128}")


def routes(folder: Path) -> APIRouter:
    """Give the routes below /api/2.0/secrets."""
    router = APIRouter(prefix="/api/2.0/secrets")

    def named(name: str, what: str) -> str:
        if not NAME.fullmatch(name) or set(name) == {"."}:
            raise ApiError("INVALID_PARAMETER_VALUE", f"{what} '{name}' is invalid.")
        return name

    @router.post("/scopes/create")
    def create_scope(request: Request) -> dict[str, Any]:
        body = read_request(workspace.SecretsAPI.create_scope, json.loads(request.state.body))
        scope = folder / named(body["scope"], "Scope name")
        if scope.is_dir():
            raise ApiError("RESOURCE_ALREADY_EXISTS", f"Scope {scope.name} already exists!")
        scope.mkdir(mode=0o700, parents=True)
        return {}

    @router.post("/put")
    def put_secret(request: Request) -> dict[str, Any]:
        body = read_request(workspace.SecretsAPI.put_secret, json.loads(request.state.body))
        scope = folder / named(body["scope"], "Scope name")
        if not scope.is_dir():
            raise ApiError("RESOURCE_DOES_NOT_EXIST", f"Scope {scope.name} does not exist!")
        if "string_value" not in body:
            raise ApiError("INVALID_PARAMETER_VALUE", "The stand-in takes string_value alone.")
        secret = scope / named(body["key"], "Secret key")
        secret.touch(mode=0o600)
        secret.write_text(body["string_value"])
        return {}

    return router
