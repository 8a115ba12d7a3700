"""The fleet page is for users of this Airflow, says what is wrong with its address, and runs nobody's text."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import altair
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from fastapi import FastAPI
from starlette.testclient import TestClient

from serving import tables
from serving.fleet import page
from serving.fleet.filters import Filters, parse
from serving.fleet.snapshot import Snapshot
from tests.support.airflow_home import log_in
from tests.support.lake_tables import write_rows
from tests.support.project import PROJECT

D5 = date(2024, 3, 5)
VENDOR = PROJECT / "serving/fleet/vendor"
EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.mark.parametrize(
    ("query", "filters"),
    [
        ({}, Filters()),
        (
            {"night": "2024-03-05", "days": "14", "device": "1001", "room": "Room A", "site": "12"},
            Filters(D5, 14, 1001, "Room A", 12),
        ),
        ({"table": "gold.alerts"}, Filters(table="gold.alerts")),
        ({"night": "", "device": " ", "room": ""}, Filters()),
        ({"device": "0", "site": str(2**63 - 1)}, Filters(device=0, site=2**63 - 1)),
    ],
)
def test_filters_are_read_from_an_address_and_written_to_one(query: Any, filters: Filters) -> None:
    assert parse(query) == (filters, [])
    again = dict(pair.split("=") for pair in filters.address().replace("+", " ").split("&") if pair)
    assert parse(again) == (filters, [])


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        (
            "night",
            "5 March",
            "night: '5 March' is not a date; write it as YYYY-MM-DD, for example 2024-03-05",
        ),
        (
            "night",
            "2024-02-30",
            "night: '2024-02-30' is not a date; write it as YYYY-MM-DD, for example 2024-03-05",
        ),
        ("device", "\u0661", "device: '\u0661' is not an id, which is an integer such as 1001"),
        ("days", "2", "days: '2' is not a number of days to choose; there are 1, 3, 7, 14, 30"),
        ("device", "-1", "device: '-1' is not an id, which is an integer such as 1001"),
        ("device", str(2**63), f"device: '{2**63}' is not an id, which is an integer such as 1001"),
        ("site", "9" * 50, f"site: '{'9' * 40}…' is not an id, which is an integer such as 1001"),
        ("room", "a\x00b", "room: 'a\\x00b' is not a name of at most 200 printable characters"),
        (
            "table",
            "gold.nothing",
            "table: 'gold.nothing' is no table that has a way; the list at the end of the page has those that have one",
        ),
        ("raum", "A", "'raum' is no filter of this page; there are night, days, device, room, site, table"),
    ],
)
def test_a_wrong_filter_is_said_in_one_line_and_not_used(name: str, text: str, problem: str) -> None:
    assert parse({name: text}) == (Filters(), [problem])


def account(night: date, **more: Any) -> dict[str, Any]:
    counts = {"landed": 10, "bronze": 10, "silver": 9, "quarantined": 1, "duplicates": 0}
    return {"source": "mine", "night": night, **counts, "is_published": True, **more}


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lake with none of the demo's tables: what the platform keeps of one night and its source."""
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path))
    write_rows(tmp_path, "ops.row_accounts", [account(D5), account(date(2024, 3, 6), is_published=False)])
    refused = {"source": "mine", "night": D5, "reasons": [EVIL], "raw": "{}"}
    write_rows(tmp_path, "ops.quarantine", [refused])
    return tmp_path


@pytest.fixture
def stranger(database: None, mine: Path) -> Iterator[TestClient]:
    """A browser that is not logged in."""
    from airflow.api_fastapi.app import create_auth_manager

    from serving.fleet.app import create_app

    create_auth_manager().init()
    app = FastAPI()
    app.mount("/lakehouse/fleet", create_app())
    with TestClient(
        app, base_url="http://testserver/lakehouse/fleet/", raise_server_exceptions=False
    ) as client:
        yield client


@pytest.fixture
def user(stranger: TestClient) -> TestClient:
    """A browser that is logged in as a mere viewer."""
    log_in(stranger)
    return stranger


@pytest.mark.parametrize(
    "path",
    [
        "",
        "?night=2024-03-05",
        "report?night=2024-03-05",
        "state",
        "static/fleet.js",
        "vendor/vega.min.js",
        "docs",
    ],
)
def test_nothing_is_shown_without_a_login(stranger: TestClient, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert "2024-03-05" not in answer.text


def specs(html: str) -> list[Any]:
    """The charts of a page."""
    return [
        json.loads(text) for text in re.findall(r'<script type="application/json">(.*?)</script>', html, re.S)
    ]


def test_a_lake_without_the_demos_tables_shows_what_the_platform_keeps(user: TestClient) -> None:
    answer = user.get("")
    assert answer.status_code == 200
    assert re.findall(r"<h2>(.*?)</h2>", answer.text) == ["The last 30 nights", "Tables"]
    assert "as of the night Tuesday, 5 March 2024" in answer.text, "the newest that is published"
    assert "<code>ops.row_accounts</code>" in answer.text
    outcomes, rules = specs(answer.text)
    assert sum(row["rows"] for row in outcomes["datasets"]["rows"]) == 10
    assert rules["datasets"]["rows"][0]["rule"] == f"mine: {EVIL}"
    assert '"./?table=ops.quarantine#lineage"' in answer.text and "?table=ops.row_accounts" in answer.text
    way = user.get("?table=ops.quarantine").text
    assert (
        "<h2>Lineage of ops.quarantine</h2>" in way
        and '<strong aria-current="true">quarantine</strong>' in way
    )


def test_the_page_of_a_night_leads_to_its_report_once_there_is_one(user: TestClient, mine: Path) -> None:
    link = 'href="../../data-docs/nights/2024-03-05.html"'
    assert link not in user.get("").text
    (mine / "data-docs/nights").mkdir(parents=True)
    (mine / "data-docs/nights/2024-03-05.html").touch()
    assert link in user.get("").text and "data-docs" not in user.get("?night=2024-03-06").text


def test_a_report_has_charts_of_the_page_and_nothing_around_them(user: TestClient) -> None:
    whole, part = user.get("?night=2024-03-05&days=1").text, user.get("report?night=2024-03-05")
    assert part.status_code == 200 and specs(part.text) == specs(whole)
    assert re.findall(r"<h2>(.*?)</h2>", part.text) == ["The last 30 nights"]
    for around in ("<header>", "<form", "<nav>", 'id="tables"'):
        assert around in whole and around not in part.text
    assert "night: &#39;x&#39; is not a date" in user.get("report?night=x").text


def test_no_text_of_a_row_or_an_address_is_taken_for_markup(user: TestClient) -> None:
    answer = user.get("", params={"room": EVIL, EVIL: "1", "night": EVIL})
    assert answer.status_code == 422
    assert "<img" not in answer.text and "&lt;img" in answer.text and "\\u003cimg" in answer.text


def test_the_page_may_run_its_own_scripts_and_no_text(user: TestClient) -> None:
    for path in ("", "report", "state", "static/fleet.js", "vendor/nothing.js"):
        headers = user.get(path).headers
        policy = dict(each.strip().split(" ", 1) for each in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'", path
        assert headers["X-Content-Type-Options"] == "nosniff"
    html = re.sub(
        r'(<script type="application/json"[^>]*>).*?(</script>)', r"\1\2", user.get("").text, flags=re.S
    )
    assert not re.search(r"<script(?![^>]*(src=|application/json))|\son\w+=|javascript:", html)
    assert not re.search(r'(src|href)="(https?:)?//', html)


@pytest.mark.parametrize(
    "path", ["vendor/../app.py", "vendor/%2e%2e/app.py", "templates/page.html", "static/", "x/y"]
)
def test_no_other_file_is_served(user: TestClient, path: str) -> None:
    assert user.get(path).status_code == 404


def test_a_wrong_address_shows_the_page_with_a_line_about_it(user: TestClient) -> None:
    answer = user.get("?days=2&night=2023-01-01")
    assert answer.status_code == 422
    assert "days: &#39;2&#39; is not a number of days" in answer.text
    assert "night: 2023-01-01 has no rows; the newest is 2024-03-06, the first 2024-03-05" in answer.text
    assert len(specs(answer.text)) == 2


def test_an_empty_lake_says_what_to_do(
    user: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path / "none"))
    answer = user.get("?device=1")
    assert answer.status_code == 200
    assert "Nothing here yet" in answer.text and "<em>Trigger</em>" in answer.text


def test_a_page_learns_what_is_new_and_what_runs(user: TestClient, mine: Path) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.settings import Session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType
    from sqlalchemy import delete

    before = user.get("state").json()
    assert before == {"versions": {"ops.quarantine": 0, "ops.row_accounts": 0}, "running": []}
    write_rows(mine, "ops.row_accounts", [account(D5)])
    with Session() as session:
        session.add(
            DagRun(
                dag_id="iot_stream",
                run_id="now",
                run_type=DagRunType.MANUAL,
                run_after=datetime(2024, 3, 6, tzinfo=UTC),
                triggered_by=DagRunTriggeredByType.TEST,
                state=DagRunState.RUNNING,
            )
        )
        session.commit()
    try:
        now = user.get("state").json()
        assert now == {"versions": {"ops.quarantine": 0, "ops.row_accounts": 1}, "running": ["iot_stream"]}
        assert "iot_stream at work" in user.get("").text
    finally:
        with Session() as session:
            session.execute(delete(DagRun).where(DagRun.run_id == "now"))
            session.commit()


def test_a_section_is_made_anew_only_when_its_tables_or_the_filters_changed(mine: Path) -> None:
    first = page.sections_of(Snapshot.of(mine), Filters(), D5)
    write_rows(mine, "gold.alerts", [])
    second = page.sections_of(Snapshot.of(mine), Filters(), D5)
    assert {each.name for each in second} == {"quality", "alerts"}
    assert second[-1] is first[0]
    write_rows(mine, "ops.row_accounts", [account(D5)])
    third = page.sections_of(Snapshot.of(mine), Filters(), D5)
    assert third[-1] is not first[0] and third[-1].figures[0].caption.startswith("20 rows landed")
    assert page.sections_of(Snapshot.of(mine), Filters(), date(2024, 3, 6))[-1] is not third[-1]


def test_a_table_is_opened_anew_only_when_its_log_changed(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = mine / "warehouse/ops.db/row_accounts/_delta_log"
    os.utime(log, (0, 0))
    before = Snapshot.of(mine).versions
    opened: list[str] = []
    open_any = tables.open_any
    monkeypatch.setattr(
        tables, "open_any", lambda *given: opened.append(given[1].full_name) or open_any(*given)
    )
    assert Snapshot.of(mine).versions == before and "ops.row_accounts" not in opened
    write_rows(mine, "ops.row_accounts", [account(D5)])
    assert Snapshot.of(mine).versions["ops.row_accounts"] == 1


def test_a_table_that_cannot_be_read_is_one_line_of_a_page(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in (mine / "warehouse/ops.db/quarantine").rglob("*.parquet"):
        file.unlink()
    html = page.render(Snapshot.of(mine), Filters(), [], [])
    assert "ops.quarantine can no longer be read as of version 0" in html


def test_what_is_vendored_is_what_its_list_says_and_fits_the_charts() -> None:
    listed = dict(
        re.findall(r"^\| `(.*?)` \|.*\| `([0-9a-f]{64})` \|", (VENDOR / "README.md").read_text(), re.M)
    )
    files = {path.name for path in VENDOR.iterdir() if path.suffix in (".js", ".json")}
    assert listed.keys() == files
    for licence, first in (("LICENSE", "Interactive Data Lab"), ("LICENSE.world-atlas", "Bostock")):
        assert first in (VENDOR / licence).read_text()
    assert {name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in files} == listed
    assert f'n="{altair.SCHEMA_VERSION.removeprefix("v")}"' in (VENDOR / "vega-lite.min.js").read_text()[:500]


def test_a_lake_on_databricks_is_said_to_be_there(user: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_TARGET", "dev")
    answer = user.get("")
    assert answer.status_code == 501
    assert "No lake here" in answer.text and "tables are on databricks" in answer.text


def test_an_airflow_without_the_packages_says_which_are_missing(
    user: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "serving.fleet.snapshot", None)
    answer = user.get("")
    assert answer.status_code == 501
    assert "serving.fleet.snapshot" in answer.text and "requirements/airflow.txt" in answer.text


def test_accounts_of_before_there_were_corrections_are_shown(mine: Path) -> None:
    old = pa.table(
        {
            "source": ["old"],
            "night": [D5],
            "landed": [7],
            "silver": [7],
            "quarantined": [0],
            "duplicates": [0],
        }
    )
    write_deltalake(mine / "older/warehouse/ops.db/row_accounts", old)
    snapshot = Snapshot.of(mine / "older")
    assert page.sections_of(snapshot, Filters(), D5)[0].figures[0].caption.startswith("7 rows landed")
    assert page.nights_of(snapshot) == ([D5], D5)
