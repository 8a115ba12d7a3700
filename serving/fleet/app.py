"""The web app behind the fleet page, for users who are logged in to Airflow.

Importing it is cheap; what reads tables and makes charts is imported with the first request.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, get_user
from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from serving import target
from serving.fleet import activity, filters
from serving.problems import Problem
from serving.safe_headers import add_safe_headers

if TYPE_CHECKING:
    from serving.fleet.snapshot import Snapshot

ASSETS = Path(__file__).parent
FOLDERS = ("static", "vendor")
# Scripts of this app's own files and nothing else: none in the page, and none that is made from text (`eval`).
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)

NO_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Fleet</title>
<link rel="stylesheet" href="static/fleet.css"><main><h1>Fleet</h1>
<section><h2>{title}</h2><p>{text}</p></section></main></html>"""


def snapshot() -> Snapshot:
    """The lake that is shown; it need not exist yet. Raises Problem for a target whose lake is elsewhere."""
    from serving.fleet.snapshot import Snapshot

    lake = target.lake()
    return Snapshot.of(lake.home, lake.prefix)


def create_app() -> FastAPI:
    """Return the app: the page, what it asks again, and the files that it needs."""
    app = FastAPI(dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None)
    files = {name: StaticFiles(directory=ASSETS / name) for name in FOLDERS}

    @app.get("/")
    def fleet(request: Request, session: SessionDep, user: GetUserDep) -> HTMLResponse:
        from serving.fleet import page

        asked, problems = filters.parse(request.query_params)
        shown = page.render(snapshot(), asked, problems, _running(session, user))
        return HTMLResponse(shown, 422 if problems else 200)

    @app.get("/report")
    def charts_of_a_report(request: Request, session: SessionDep, user: GetUserDep) -> HTMLResponse:
        from serving.fleet import page

        asked, problems = filters.parse({"days": "1", **request.query_params})
        shown = page.render(snapshot(), asked, problems, _running(session, user), page.REPORTED)
        return HTMLResponse(shown, 422 if problems else 200)

    @app.get("/state")
    def state(session: SessionDep, user: GetUserDep) -> JSONResponse:
        from serving.fleet import page

        return JSONResponse(page.state(snapshot(), _running(session, user)))

    # Mounts would not ask for the user: the dependencies of an app hold for its routes only.
    @app.get("/{folder}/{path:path}")
    async def file(folder: str, path: str, request: Request) -> Response:
        if folder not in files:
            return HTMLResponse("There is no such page.", 404)
        return await files[folder].get_response(path, request.scope)

    add_safe_headers(app, POLICY)
    app.add_exception_handler(Problem, _no_lake)
    app.add_exception_handler(ImportError, _not_installed)
    return app


def _running(session: SessionDep, user: GetUserDep) -> list[str]:
    def may_see(dag_id: str) -> bool:
        return get_auth_manager().is_authorized_dag(
            method="GET", access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag_id), user=user
        )

    return activity.running(session, may_see)


async def _no_lake(_request: Request, error: Any) -> Response:
    text = f"{error.detail}. In a Databricks workspace, the dashboard of the asset bundle shows the nights."
    return HTMLResponse(NO_PAGE.format(title="No lake here", text=html.escape(text)), error.status)


async def _not_installed(_request: Request, error: Any) -> Response:
    text = (
        f"{error}: this page needs the packages of requirements/airflow.txt in the API server's environment."
    )
    return HTMLResponse(NO_PAGE.format(title="Not installed", text=html.escape(text)), 501)
