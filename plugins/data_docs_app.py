"""The web app that serves data docs and night reports to whoever is logged in to Airflow.

Not a plugin file (see .airflowignore): importing it takes seconds, and only the API server needs it.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import checkout
import waiting
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PREFIX = "/data-docs"

# The pages share Airflow's origin, so nothing in them may run or reach out: styles and pictures are enough, and the
# charts of the fleet page, which has a policy of its own.
POLICY = (
    "default-src 'none'; img-src 'self' data:; font-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

# A night's report is a file in which nothing runs; where the fleet page draws its lake, it has that page's charts.
NIGHT = re.compile(r"nights/(\d{4}-\d\d-\d\d)\.html", re.ASCII)
CHARTS_STAND_HERE = "<!-- charts of the night -->"
CHARTS = """<h2>Charts of this night, by the lake as it is now</h2>
<iframe src="../../lakehouse/fleet/report?night={night}" title="Charts of the night {night}" data-whole="true"
loading="lazy" style="border: 0; width: 100%; height: 60vh"></iframe>
<p><a href="../../lakehouse/fleet/?night={night}">The fleet page of this night</a></p>"""

MESSAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<body style="font: 16px/1.5 system-ui; max-width: 36em; margin: 15vh auto; padding: 0 1em; color: #334">
<h1 style="font-size: 1.4em">{title}</h1><p>{text}</p></body></html>"""
NOT_YET = MESSAGE.format(
    title="Nothing here yet",
    text="This page is written while a night runs. Start one: <em>Dags</em> &rarr; <em>iot_nightly</em> "
    f'&rarr; <em>Trigger</em>. What there is already: <a href="{PREFIX}/">the nights</a>, '
    f'<a href="{PREFIX}/expectations/index.html">the expectations</a>.',
)
LOGIN = MESSAGE.format(
    title="Please log in",
    text='These pages are for users of this Airflow. <a href="{url}">Log in</a>.',
)


def docs_folder() -> Path:
    """Return the folder that is served; it need not exist yet."""
    return Path(os.environ.get("LAKEHOUSE_HOME", "lake")).absolute() / "data-docs"


def create_app() -> FastAPI:
    """Return the app that serves the files of one folder, to users who are logged in."""
    app = FastAPI(dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None)
    files = StaticFiles(directory=docs_folder(), html=True, check_dir=False)

    app.add_api_route("/waits/{dag_id}/{run_id:path}", waiting.page, methods=["GET"])

    # A mount would not ask for the user: the dependencies of an app hold for its routes only.
    @app.api_route("/{path:path}", methods=["GET", "HEAD"])
    async def page(path: str, request: Request) -> Response:
        response = await files.get_response(path, request.scope)
        night = NIGHT.fullmatch(path)
        if night and isinstance(response, FileResponse) and _are_charts_drawn():
            text = Path(response.path).read_text()
            return HTMLResponse(text.replace(CHARTS_STAND_HERE, CHARTS.format(night=night[1])))
        return response

    app.middleware("http")(_with_safe_headers)
    app.add_exception_handler(401, _please_log_in)
    app.add_exception_handler(404, _nothing_here)
    return app


def _are_charts_drawn() -> bool:
    """Whether the fleet page is there, and its lake on this machine."""
    if not checkout.is_importable("charts of a night"):
        return False
    from targets import load_target

    try:
        return load_target().databricks is None
    except ValueError:
        return False


async def _with_safe_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-cache"
    return response


async def _please_log_in(request: Request, _: Exception) -> Response:
    url = get_auth_manager().get_url_login(next_url=str(request.url.replace(scheme="", netloc="")))
    return HTMLResponse(LOGIN.format(url=html.escape(url)), status_code=401)


async def _nothing_here(_request: Request, _error: Exception) -> Response:
    return HTMLResponse(NOT_YET, status_code=404)
