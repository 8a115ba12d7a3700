"""The API is for users of this Airflow, in its API server alone, and reads the lake of its target."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.support.airflow_home import log_in
from tests.support.project import PROJECT

ROWS = "/lakehouse/v1/tables/gold.climate_hourly/rows"


@pytest.fixture
def stranger(database: None, lake: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Who is not logged in, at the app that the plugin registers."""
    from airflow.api_fastapi.app import create_auth_manager
    from lakehouse_api import LakehouseApiPlugin

    monkeypatch.setenv("LAKEHOUSE_HOME", str(lake))
    create_auth_manager().init()
    app = FastAPI()
    for each in LakehouseApiPlugin().fastapi_apps:
        app.mount(each["url_prefix"], each["app"])
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/", "/openapi.json", "/tables", "/tables/gold.alerts", "/tables/x/rows?limit=0"]
)
def test_without_a_login_there_is_a_problem_and_nothing_else(stranger: TestClient, path: str) -> None:
    answer = stranger.get(f"/lakehouse/v1{path}")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer" in answer.json()["detail"] and "gold" not in answer.text


def test_a_forged_token_is_no_login(stranger: TestClient) -> None:
    header = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJBRE1JTiJ9."}
    answer = stranger.get(ROWS, headers=header)
    assert answer.status_code in (401, 403)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_mere_viewer_reads_the_lake_of_the_target(stranger: TestClient) -> None:
    log_in(stranger)
    assert len(stranger.get(ROWS).json()["rows"]) == 7
    document = stranger.get("/lakehouse/v1/openapi.json").json()
    assert document["servers"] == [{"url": "/lakehouse/v1"}]
    assert document["components"]["securitySchemes"]


def test_a_target_without_a_warehouse_or_without_sense_says_so(
    stranger: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(stranger)
    monkeypatch.setenv("LAKEHOUSE_TARGET", "dev")
    answer = stranger.get(ROWS)
    assert answer.status_code == 501 and "give it warehouse_id" in answer.json()["detail"]
    monkeypatch.setenv("LAKEHOUSE_TARGET", "none")
    assert "no target 'none'" in stranger.get(ROWS).json()["detail"]


def test_the_app_is_made_without_what_only_reading_needs() -> None:
    """Each of the API server's workers makes it while it starts."""
    code = "import sys, serving.app, serving.problems; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=120
    )
    assert {"pyarrow", "deltalake", "duckdb", "jinja2"}.isdisjoint(done.stdout.split())
