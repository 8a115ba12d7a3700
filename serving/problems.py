"""What a reader gets when there is no answer: problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

MEDIA = "application/problem+json"
RETRY_SECONDS = "5"


class Problem(Exception):
    """There is no answer; `detail` says in one line what is wrong, where, and what to do."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(f"{title}: {detail}")
        self.status = status  # of HTTP
        self.title = title
        self.detail = detail


def add_handlers(app: FastAPI) -> None:
    """Have an app answer with problem details, whatever goes wrong, its framework's own errors included."""
    from fastapi.exceptions import RequestValidationError

    app.add_exception_handler(Problem, _of_ours)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_parameters)
    app.add_exception_handler(ImportError, _of_a_package)
    app.add_exception_handler(Exception, _of_nobody)


def _answer(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    more = {"Retry-After": RETRY_SECONDS} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return JSONResponse(body, status, {**(headers or {}), **more}, media_type=MEDIA)


async def _of_ours(_request: Request, error: Any) -> Response:
    return _answer(error.status, error.title, error.detail)


async def _of_http(request: Request, error: Any) -> Response:
    headers = dict(error.headers or {})
    detail = {
        401: "send a token of Airflow, `Authorization: Bearer …`, which POST /auth/token gives out",
        404: f"there is no {request.url.path[:200]}; the tables are under …/tables",
        405: f"{request.method} is none of its methods: {headers.get('Allow', 'GET')}",
    }.get(error.status_code, str(error.detail))
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return _answer(error.status_code, HTTPStatus(error.status_code).phrase, detail, headers)


async def _of_parameters(_request: Request, error: Any) -> Response:
    # Where: `("query", "limit")`.
    said = [f"{each['loc'][1]}={str(each['input'])[:80]!r}: {each['msg']}" for each in error.errors()]
    return _answer(422, "Not a parameter", "; ".join(said))


async def _of_a_package(_request: Request, error: Any) -> Response:
    detail = (
        f"{error}: the API needs the packages of requirements/airflow.txt in the API server's environment"
    )
    return _answer(501, "Not installed", detail)


async def _of_nobody(_request: Request, _error: Exception) -> Response:
    return _answer(500, "Internal Server Error", "this is a fault of the API; the server's log has more")
