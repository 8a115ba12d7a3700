"""What every request passes: the log, the faults, the question for a token."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from tests.support.standin.errors import ApiError
from tests.support.standin.faults import Faults, Rule
from tests.support.standin.sign_in import SignIn

CONTROL_HEADER = b"x-standin-control"


class Gate:
    """ASGI middleware; the body of a request is read here, once, and kept in the request's state."""

    def __init__(self, app: Any, faults: Faults, sign_in: SignIn, control_token: str) -> None:
        self._app = app
        self._faults = faults
        self._sign_in = sign_in
        self._control_token = control_token.encode()
        self.requests: list[dict[str, Any]] = []

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, path = dict(scope["headers"]), scope["path"]
        body = await _read(receive)
        scope.setdefault("state", {})["body"] = body
        if path.startswith("/_standin/"):
            if not secrets.compare_digest(headers.get(CONTROL_HEADER, b""), self._control_token):
                await _answer(send, 403, b'{"message": "control token?"}')
                return
            await self._app(scope, receive, send)
            return
        entry = {
            "time": time.time(),
            "method": scope["method"],
            "path": path,
            "query": scope["query_string"].decode(),
            "body": _readable(body, headers.get(b"content-type", b"")),
            "user_agent": headers.get(b"user-agent", b"").decode(),
            "auth": None,
            "status": None,
        }
        self.requests.append(entry)
        if scope["method"] == "GET" and isinstance(entry["body"], dict):
            # The provider's deferrable hook sends the parameters of a GET as its body; the real API takes both.
            scope["query_string"] += b"&" + urlencode(entry["body"]).encode()

        async def logged(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
            await send(message)

        async def effect(answer: Callable) -> None:
            if path.startswith("/api/"):
                try:
                    entry["auth"] = self._sign_in.check(headers.get(b"authorization", b"").decode())
                except ApiError as error:
                    await _answer(answer, error.status, json.dumps(error.body()).encode())
                    return
            await self._app(scope, receive, answer)

        rule = self._faults.for_request(scope["method"], path)
        if rule is None:
            await effect(logged)
        elif rule.kind == "delay":
            if rule.body.get("when") != "after":
                await asyncio.sleep(rule.body["delay"])
                await effect(logged)
            else:
                await effect(_delayed(logged, rule.body["delay"]))
        else:
            if rule.body.get("when") == "after":
                await effect(_unheard)
            await self._fault(rule, entry, logged, send)

    async def _fault(self, rule: Rule, entry: dict[str, Any], send: Callable, server: Callable) -> None:
        if rule.kind == "cut":
            entry["status"] = "cut"
            # uvicorn's `send` belongs to the object that holds the connection.
            server.__self__.transport.abort()
            return
        status = 429 if rule.kind == "rate" else rule.body["status"]
        headers = []
        wait = rule.body.get("seconds", 1) if rule.kind == "rate" else rule.body.get("retry_after")
        if wait is not None:
            headers.append((b"retry-after", str(wait).encode()))
        code = {429: "REQUEST_LIMIT_EXCEEDED", 503: "TEMPORARILY_UNAVAILABLE"}.get(status, "INTERNAL_ERROR")
        body = rule.body.get("body", {"error_code": code, "message": "injected by the stand-in"})
        await _answer(send, status, json.dumps(body).encode(), headers)


async def _read(receive: Callable[[], Awaitable[dict[str, Any]]]) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _readable(body: bytes, content_type: bytes) -> Any:
    if content_type.startswith(b"application/json") and body:
        try:
            return json.loads(body)
        except ValueError:
            return body.decode(errors="replace")
    return f"{len(body)} bytes" if body else None


def _delayed(send: Callable, seconds: float) -> Callable:
    async def later(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            await asyncio.sleep(seconds)
        await send(message)

    return later


async def _unheard(message: dict[str, Any]) -> None:
    """Take an answer that the client never gets."""


async def _answer(
    send: Callable, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    length = (b"content-length", str(len(body)).encode())
    kind = (b"content-type", b"application/json")
    await send({"type": "http.response.start", "status": status, "headers": [kind, length, *(headers or [])]})
    await send({"type": "http.response.body", "body": body})
