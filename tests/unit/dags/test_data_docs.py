"""Data docs are for users of this Airflow, and only the files of their own folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.support.airflow_home import log_in
from tests.support.project import PROJECT


@pytest.fixture
def docs(lake: Path) -> Path:
    """A served folder with some pages, and a file beside it that nobody may see."""
    docs = lake / "data-docs"
    (docs / "nights").mkdir(parents=True)
    (docs / "expectations").mkdir()
    (docs / "index.html").write_text("the nights")
    (docs / "nights/2024-03-05.html").write_text("<p>a night</p>")
    (docs / "expectations/index.html").write_text("suites")
    (lake / "secret.html").write_text("not for you")
    (docs / "way-out.html").symlink_to(lake / "secret.html")
    (docs / "way-up").symlink_to(lake)
    return docs


@pytest.fixture
def stranger(database: None, lake: Path) -> Iterator[TestClient]:
    """A browser that is not logged in."""
    from airflow.api_fastapi.app import create_auth_manager
    from data_docs_app import create_app

    create_auth_manager().init()
    app = FastAPI()
    app.mount("/data-docs", create_app())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def user(stranger: TestClient) -> TestClient:
    """A browser that is logged in as a mere viewer."""
    log_in(stranger)
    return stranger


@pytest.mark.parametrize(
    "path", ["/", "/index.html", "/nights/2024-03-05.html", "/no-such-page", "/docs", "/openapi.json"]
)
def test_nothing_is_shown_without_a_login(docs: Path, stranger: TestClient, path: str) -> None:
    answer = stranger.get(f"/data-docs{path}")
    assert answer.status_code == 401
    assert "log in" in answer.text
    assert "night</p>" not in answer.text


def test_a_forged_cookie_is_no_login(docs: Path, stranger: TestClient) -> None:
    stranger.cookies.set("_token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJBRE1JTiJ9.")
    assert stranger.get("/data-docs/").status_code in (401, 403)


def test_a_user_sees_the_pages(docs: Path, user: TestClient) -> None:
    assert user.get("/data-docs/").text == "the nights"
    assert user.get("/data-docs/nights/2024-03-05.html").text == "<p>a night</p>"
    assert user.get("/data-docs/expectations/").text == "suites"
    assert user.head("/data-docs/index.html").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "../secret.html",
        "%2e%2e/secret.html",
        "nights/%2e%2e/%2e%2e/secret.html",
        "..%2fsecret.html",
        "%2e%2e%2fsecret.html",
        "nights/..%2f..%2fsecret.html",
        "..%5csecret.html",
        "%252e%252e/secret.html",
        "/etc/passwd",
        "%2fetc/passwd",
        "way-out.html",
        "way-up/secret.html",
        "nights/2024-03-05.html%00.png",
        "a" * 5000,
    ],
)
def test_there_is_no_way_out_of_the_folder(docs: Path, user: TestClient, path: str) -> None:
    answer = user.get(f"/data-docs/{path}")
    assert answer.status_code == 404
    assert "not for you" not in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_pages_can_only_be_read(docs: Path, user: TestClient, method: str) -> None:
    assert user.request(method, "/data-docs/index.html").status_code == 405


def test_before_the_first_night_a_page_says_what_to_do(user: TestClient) -> None:
    answer = user.get("/data-docs/")
    assert answer.status_code == 404
    assert "Nothing here yet" in answer.text


def test_nothing_in_a_page_may_run_or_reach_out(docs: Path, user: TestClient) -> None:
    for path in ("/", "/nights/2024-03-05.html", "/expectations/index.html", "/no-such-page"):
        headers = user.get(f"/data-docs{path}").headers
        assert headers["x-content-type-options"] == "nosniff"
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'self'" in policy and "frame-src 'self';" in policy
        assert "script-src" not in policy
        assert "http" not in policy


def test_a_nights_report_has_the_charts_of_the_fleet_page_where_that_draws_its_lake(
    docs: Path, user: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = (PROJECT / "jobs/report/templates/night.html").read_text()
    (mark,) = re.findall("<!-- .* -->", template)
    page = f"<p>a night</p>{mark}<p>its end</p>"
    for name in ("nights/2024-03-05.html", "nights/other.html"):
        (docs / name).write_text(page)
    shown = user.get("/data-docs/nights/2024-03-05.html").text
    before, charts, after = re.split("(<h2>.*</p>)(?=<p>its)", shown, flags=re.S)
    assert (before, after) == ("<p>a night</p>", "<p>its end</p>")
    assert '<iframe src="../../lakehouse/fleet/report?night=2024-03-05"' in charts
    assert user.get("/data-docs/nights/other.html").text == page
    monkeypatch.setenv("LAKEHOUSE_TARGET", "dev")
    assert user.get("/data-docs/nights/2024-03-05.html").text == page, "its tables are on Databricks"


def test_the_way_to_the_login_comes_back_here_and_carries_no_markup(docs: Path, stranger: TestClient) -> None:
    text = stranger.get('/data-docs/nights/"><script>x</script>.html').text
    assert "<script>" not in text
    assert 'href="/auth/login?next=%2Fdata-docs%2Fnights' in text


def test_the_menu_has_both_entries_and_each_run_a_tab_and_they_have_one_app() -> None:
    from data_docs import DataDocsPlugin

    plugin = DataDocsPlugin()
    assert [(view["name"], view["destination"]) for view in plugin.external_views] == [
        ("Data docs", "nav"),
        ("Night report", "nav"),
        ("Waits for", "dag_run"),
    ]
    assert [app["url_prefix"] for app in plugin.fastapi_apps] == ["/data-docs"]


def test_loading_the_plugins_does_not_load_their_apps(imported: dict[str, list[str]]) -> None:
    assert {"data_docs", "fleet", "lakehouse_api"} <= set(imported["plugins"])
    assert {"fastapi", "data_docs_app", "serving", "altair", "pyarrow", "deltalake"}.isdisjoint(
        imported["plugins"]
    )
