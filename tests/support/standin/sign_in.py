"""Who may call: OAuth for a service principal, one personal access token, and what discovery answers."""

import base64
import binascii
import secrets
import time
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from tests.support.standin.errors import ApiError
from tests.support.standin.settings import Settings


class SignIn:
    """Tokens in force."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._issued: dict[str, float] = {}

    def check(self, authorization: str) -> str:
        """Return how a request is authenticated: "oauth" or "pat".

        Raises ApiError if it is not.
        """
        kind, _, token = authorization.partition(" ")
        if kind != "Bearer" or not token:
            raise ApiError(
                "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type for this API."
            )
        if secrets.compare_digest(token.encode(), self._settings.token.encode()):
            return "pat"
        if self._issued.get(token, 0) > time.time():
            return "oauth"
        raise ApiError("PERMISSION_DENIED", "Invalid access token.")

    def issued(self) -> list[str]:
        """Give every OAuth token that was ever issued."""
        return list(self._issued)

    def routes(self) -> APIRouter:
        """Give the routes that need no token: they lead to one."""
        router = APIRouter()

        @router.get("/.well-known/databricks-config")
        def config(request: Request) -> dict[str, Any]:
            return {
                "oidc_endpoint": f"https://{request.url.netloc}/oidc",
                "workspace_id": self._settings.workspace_id,
                "cloud": "AWS",
            }

        @router.get("/oidc/.well-known/oauth-authorization-server")
        def authorization_server(request: Request) -> dict[str, Any]:
            base = f"https://{request.url.netloc}/oidc"
            return {
                "issuer": base,
                "authorization_endpoint": f"{base}/v1/authorize",
                "token_endpoint": f"{base}/v1/token",
                "scopes_supported": ["all-apis"],
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }

        @router.post("/oidc/v1/token")
        def token(request: Request) -> JSONResponse:
            form = {key: values[0] for key, values in parse_qs(request.state.body.decode()).items()}
            if not self._is_client(request.headers.get("authorization", "")):
                return _oauth_error(401, "invalid_client", "Client authentication failed")
            if form.get("grant_type") != "client_credentials":
                return _oauth_error(400, "unsupported_grant_type", "Grant type is not supported")
            if form.get("scope") != "all-apis":
                return _oauth_error(400, "invalid_scope", "The requested scope is invalid")
            issued = secrets.token_urlsafe(32)
            self._issued[issued] = time.time() + self._settings.token_lifetime
            return JSONResponse(
                {
                    "access_token": issued,
                    "scope": "all-apis",
                    "token_type": "Bearer",
                    "expires_in": self._settings.token_lifetime,
                }
            )

        return router

    def _is_client(self, authorization: str) -> bool:
        kind, _, encoded = authorization.partition(" ")
        expected = f"{self._settings.client_id}:{self._settings.client_secret}".encode()
        try:
            return kind == "Basic" and secrets.compare_digest(base64.b64decode(encoded), expected)
        except binascii.Error:
            return False


def _oauth_error(status: int, error: str, description: str) -> JSONResponse:
    return JSONResponse({"error": error, "error_description": description}, status)
