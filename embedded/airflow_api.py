"""The part of Airflow's REST API that the embedded stack uses."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from embedded.errors import Failed

PATIENCE = 10

# A proxy that the environment names would never find this machine's own address.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class AirflowApi:
    """A logged-in client."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._credentials = {"username": user, "password": password}
        self._token = ""

    def healthy(self) -> dict[str, bool]:
        """Return whether each part of Airflow is healthy; empty while the server does not answer."""
        try:
            health = self._send("GET", "/api/v2/monitor/health")
        except (OSError, ValueError):
            return {}
        return {part: (state or {}).get("status") == "healthy" for part, state in health.items()}

    def get(self, path: str) -> Any:
        """GET a path under /api/v2; None for HTTP 404. Raises Failed."""
        for _ in range(PATIENCE):
            try:
                return self._call("GET", path)
            except urllib.error.HTTPError as error:
                if error.code == HTTPStatus.NOT_FOUND:
                    return None
                raise _explained(error) from None
            except OSError:
                time.sleep(1)
        raise Failed(f"Airflow does not answer at {self.url}; `make status` and its logs say more")

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST to a path under /api/v2. Raises Failed."""
        return self._change("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """PATCH a path under /api/v2. Raises Failed."""
        return self._change("PATCH", path, body)

    def put(self, path: str, body: dict[str, Any]) -> Any:
        """PUT to a path under /api/v2. Raises Failed."""
        return self._change("PUT", path, body)

    def _change(self, method: str, path: str, body: dict[str, Any]) -> Any:
        try:
            return self._call(method, path, body)
        except urllib.error.HTTPError as error:
            raise _explained(error) from None
        except OSError as error:
            raise Failed(f"Airflow does not answer at {self.url}: {error}") from None

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        if not self._token:
            self._token = self._send("POST", "/auth/token", self._credentials)["access_token"]
        return self._send(method, f"/api/v2{path}", body)

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        # The address is always http://127.0.0.1:<port>, never anything given.
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310
        with _open(request, timeout=30) as response:
            return json.loads(response.read() or "null")


def _explained(error: urllib.error.HTTPError) -> Failed:
    text = error.read().decode(errors="replace")
    with suppress(ValueError, KeyError, TypeError):
        text = json.loads(text)["detail"]
    return Failed(f"Airflow refused the request (HTTP {error.code}): {text}")
