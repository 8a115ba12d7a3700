"""The API over gold, asked as a program would: pages, formats, versions, and what is said when there is no answer."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fastapi import FastAPI
from httpx import Response
from starlette.testclient import TestClient

from catalog.tables import TABLES
from serving.app import PREFIX, create_app
from serving.local import LocalLake
from tests.unit.serving.conftest import at, hours, publish

ROWS = "/tables/gold.climate_hourly/rows"


def client_of(lake: Path, **options: Any) -> TestClient:
    """A client of the API where nobody needs a login, mounted as Airflow mounts it."""
    app = FastAPI()
    app.mount(PREFIX, create_app(lambda: None, lambda: LocalLake(lake), **options))
    return TestClient(app, base_url=f"http://testserver{PREFIX}", raise_server_exceptions=False)


@pytest.fixture
def api(lake: Path) -> TestClient:
    return client_of(lake)


def pages(api: TestClient, path: str) -> list[Response]:
    """A page and all that follow, by their links."""
    found = [api.get(path)]
    while "next" in found[-1].links:
        assert len(found) < 20
        found.append(api.get(f"http://testserver{found[-1].links['next']['url']}"))
    return found


def counts(answer: Response) -> list[int | None]:
    return [row["log_count"] for row in answer.json()["rows"]]


def problem(answer: Response) -> str:
    """The detail of a problem, which has all that RFC 9457 wants and nothing that runs."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body.keys() == {"type", "title", "status", "detail"} and body["status"] == answer.status_code
    return body["detail"]


def test_tables_are_described_those_that_no_night_has_published_too(api):
    tables = {table["name"]: table for table in api.get("/tables").json()["tables"]}
    assert tables.keys() == {name for name in TABLES if name.startswith(("gold.", "ops."))}
    climate = tables["gold.climate_hourly"]
    hour = {"name": "hour", "type": "TIMESTAMP", "comment": "beginning of the hour (UTC)"}
    assert climate["columns"][1] == hour and climate["key"] == ["location", "hour"]
    assert tables["ops.job_runs"]["key"] == [], "rows of repeated attempts may be alike"
    assert all(column["comment"] for table in tables.values() for column in table["columns"])
    assert (climate["version"], climate["night"], climate["row_count"]) == (1, "2024-03-06", 7)
    assert climate["grain"] == "One row per room and hour." and climate["problem"] is None
    assert tables["gold.alerts"]["version"] is None and "not there yet" in tables["gold.alerts"]["problem"]
    assert api.get("/tables/gold.climate_hourly").json() == climate
    then = api.get("/tables/gold.climate_hourly?as_of=2024-03-05").json()
    assert (then["version"], then["night"], then["row_count"]) == (0, "2024-03-05", 4)


def test_rows_are_chosen_ordered_and_cut_to_columns(api):
    asked = f"{ROWS}?where=location:in:Room_A,Room_C&where=event_date:gte:2024-03-06&order=-log_count&columns=log_count,location"
    answer = api.get(asked).json()
    assert answer == {
        "table": "gold.climate_hourly",
        "version": 1,
        "next": None,
        "rows": [{"log_count": 9, "location": "Room_C"}, {"log_count": 3, "location": "Room_A"}],
    }


@pytest.mark.parametrize("format", ["json", "csv", "arrow"])
@pytest.mark.parametrize("order", ["", "&order=location,-hour"])
def test_pages_together_are_the_whole_though_a_version_comes_in_between(lake, api, format, order):
    whole = counts(api.get(f"{ROWS}?{order}"))
    first = api.get(f"{ROWS}?limit=2&format={format}{order}")
    publish(lake, "gold.climate_hourly", hours(4, ("Room_A", 8, 8.0)), 4)
    rest = pages(api, f"http://testserver{first.links['next']['url']}")
    found = []
    for answer in (first, *rest):
        assert answer.headers["lakehouse-version"] == "1"
        if format == "csv":
            found += [
                int(row["log_count"]) if row["log_count"] else None
                for row in csv.DictReader(io.StringIO(answer.text))
            ]
        elif format == "arrow":
            found += pa.ipc.open_stream(answer.content).read_all()["log_count"].to_pylist()
        else:
            found += counts(answer)
    assert found == whole and len(rest) == 3
    assert sorted(map(str, counts(api.get(ROWS)))) == sorted(map(str, [*whole, 8]))


def test_a_night_is_as_its_last_run_left_it_whatever_maintenance_did_after(lake, api):
    publish(lake, "gold.climate_hourly", hours(5, ("Room_B", 7, 7.0)), 5)
    publish(lake, "gold.climate_hourly", hours(5, ("Room_B", 8, 8.0)), 5, stage="maintain")
    of_night = api.get(f"{ROWS}?as_of=2024-03-05").json()
    assert of_night["version"] == 2 and len(of_night["rows"]) == 8
    assert len(api.get(f"{ROWS}?as_of=0").json()["rows"]) == 4
    said = problem(api.get(f"{ROWS}?as_of=2024-03-07"))
    assert "known are 2024-03-05, 2024-03-06; or give a version" in said


def test_values_are_exact_in_json_and_csv(tmp_path):
    rows = pa.table(
        {
            "event_date": [date(2024, 3, 5), date(2024, 3, 5)],
            "txn_count": pa.array([2**62 + 1, None], pa.int64()),
            "total_amount": pa.array([Decimal("12345678901234567890.10"), None], pa.decimal128(28, 2)),
            "currency": ["", None],
            "late_rows": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
            "hours": pa.array([[1, None], None], pa.list_(pa.int32())),
            "at": pa.array([at(5, 13, 1), None], pa.timestamp("us", "UTC")),
        }
    )
    publish(tmp_path, "gold.transactions_daily", rows, 5)
    path = "/tables/gold.transactions_daily/rows"
    api = client_of(tmp_path)
    first, second = json.loads(api.get(path).text)["rows"]
    assert first == {
        "event_date": "2024-03-05",
        "txn_count": 2**62 + 1,
        "total_amount": "12345678901234567890.10",
        "currency": "",
        "late_rows": {"a": 1},
        "hours": [1, None],
        "at": "2024-03-05T13:00:00.000001Z",
    }
    assert set(list(second.values())[1:]) == {None}
    lines = api.get(path, headers={"Accept": "text/csv"}).text.splitlines()
    assert lines[1].startswith(
        '2024-03-05,4611686018427387905,12345678901234567890.10,"","{""a"": 1}","[1, null]"'
    )
    assert lines[2] == "2024-03-05,,,,,,"
    where = "where=total_amount:eq:12345678901234567890.1&where=txn_count:gt:4611686018427387904"
    assert len(api.get(f"{path}?{where}&where=at:lt:2024-03-05T14:00:00.1%2B01:00").json()["rows"]) == 1
    assert "is not a value of type decimal" in problem(api.get(f"{path}?where=total_amount:eq:0.001"))


def test_numbers_that_are_not_finite_are_texts_and_no_nulls(api):
    rows = api.get(f"{ROWS}?columns=avg_temperature_f&order=avg_temperature_f").json()["rows"]
    found = [row["avg_temperature_f"] for row in rows]
    assert found == [3.0, 3.0, 3.0, "Infinity", "NaN", "NaN", None]
    assert '"NaN"' in api.get(f"{ROWS}?format=csv").text
    assert len(api.get(f"{ROWS}?where=avg_temperature_f:lt:Infinity").json()["rows"]) == 3


def test_no_text_in_csv_is_a_formula(tmp_path):
    texts = ["=1+1", "-2", "@x", "\tx", "a=1", "", None]
    publish(tmp_path, "gold.climate_hourly", hours(5, *((text, -1, -1.0) for text in texts)), 5)
    api = client_of(tmp_path)
    asked = f"{ROWS}?columns=location,log_count,avg_temperature_f&format="
    lines = list(csv.reader(io.StringIO(api.get(f"{asked}csv").text)))
    assert [line[0] for line in lines[1:]] == ["'=1+1", "'-2", "'@x", "'\tx", "a=1", "", ""]
    assert {tuple(line[1:]) for line in lines[1:]} == {("-1", "-1")}
    assert [row["location"] for row in api.get(f"{asked}json").json()["rows"]] == texts


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("text/csv;q=0.5, application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"),
        ("text/*", "text/csv; charset=utf-8"),
    ],
)
def test_the_header_accept_chooses_the_format(api, accept, media):
    assert api.get(ROWS, headers={"Accept": accept}).headers["content-type"] == media


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/tables/silver.readings", 404, "no table 'silver.readings'; there are gold."),
        ("/tables/silver.readings/rows", 404, "no table"),
        ("/tables/gold.alerts/rows", 404, "run one"),
        ("/tables/..%2f..%2fetc/rows", 404, "there is no"),
        ("/tables/gold.climate_hourly%00/rows", 404, "no table"),
        ("/nothing", 404, "the tables are under …/tables"),
        (f"{ROWS}?limit=0", 422, "limit='0'"),
        (f"{ROWS}?limit=10001", 422, "less than or equal to 10000"),
        (f"{ROWS}?format=xml", 422, "'json', 'csv' or 'arrow'"),
        (f"{ROWS}?temperature=5", 422, "no parameter 'temperature'; there are as_of, columns"),
        (f"{ROWS}?limit=1&limit=2", 422, "given 2 times"),
        (f"{ROWS}?columns=location,none", 422, "no column 'none'; it has event_date"),
        (f"{ROWS}?columns=location,location", 422, "each column once"),
        (f"{ROWS}?order=location,-location", 422, "each column once"),
        (f"{ROWS}?order=--location", 422, "no column '-location'"),
        (f"{ROWS}?where=location", 422, "is not column:operator:value"),
        (f"{ROWS}?where=location:like:x", 422, "the operators are eq"),
        (f"{ROWS}?where=none:eq:x", 422, "no column 'none'"),
        (f"{ROWS}?where=log_count:eq:1%27%20OR%201=1", 422, "is not an integer"),
        (f"{ROWS}?where=log_count:eq:99999999999999999999", 422, "is not an integer"),
        (f"{ROWS}?where=log_count:in:1,,2", 422, "is not an integer"),
        (f"{ROWS}?where=event_date:eq:2024-02-30", 422, "a date, as in 2024-03-05"),
        (f"{ROWS}?where=hour:eq:2024-03-05T00:00:00", 422, "with its zone"),
        (f"{ROWS}?where=hour:eq:0001-01-01T00:00:00%2B23:00", 422, "not a value"),
        (f"{ROWS}?where=avg_temperature_f:eq:NaN", 422, "nothing equals nan"),
        (f"{ROWS}?where=avg_temperature_f:lt:1e999", 422, "Infinity and -Infinity are some"),
        (f"{ROWS}?as_of=yesterday", 422, "neither a night"),
        (f"{ROWS}?as_of=2024-02-30", 422, "neither a night"),
        (f"{ROWS}?as_of=7", 404, "versions up to 1, not 7"),
        (f"{ROWS}?cursor=%5B%5B", 422, "take the cursor of the page before"),
        (f"{ROWS}?cursor=W10", 422, "take the cursor of the page before"),
        (f"{ROWS}?cursor={'W' * 201}", 422, "at most 200 characters"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_says_what_where_and_what_to_do(api, path, status, said):
    answer = api.get(path)
    assert answer.status_code == status
    assert said in problem(answer)


def test_a_cursor_is_for_its_own_request(api):
    cursor = api.get(f"{ROWS}?limit=2").links["next"]["url"].rpartition("=")[2]
    assert len(counts(api.get(f"{ROWS}?limit=1&cursor={cursor}"))) == 1
    said = problem(api.get(f"{ROWS}?cursor={cursor}&where=log_count:gt:1"))
    assert "of another request" in said


def test_a_format_that_nobody_has_and_a_method_that_nobody_takes_are_refused(api):
    refused = api.get(ROWS, headers={"Accept": "image/png"})
    assert refused.status_code == 406 and "text/csv" in problem(refused)
    refused = api.post(ROWS)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET") and problem(refused)


def test_what_takes_too_long_is_ended_and_the_server_goes_on(lake):
    going_on = threading.Event()

    class Slow(LocalLake):
        def open(self, *arguments: Any) -> Any:
            going_on.wait(20)
            return super().open(*arguments)

    app = FastAPI()
    app.mount(PREFIX, create_app(lambda: None, lambda: Slow(lake), seconds=0.1))
    with TestClient(app, base_url=f"http://testserver{PREFIX}") as api:
        began = time.monotonic()
        late = api.get(ROWS)
        going_on.set()
        assert time.monotonic() - began < 10
        assert late.status_code == 503 and late.headers["retry-after"] and "no answer within" in problem(late)
        assert api.get("/openapi.json").status_code == 200


def test_a_fault_of_the_api_is_a_problem_without_its_innards(api, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("secret innards")

    monkeypatch.setattr("serving.tables.rows", broken)
    answer = api.get(ROWS)
    assert answer.status_code == 500 and "innards" not in problem(answer)


def test_the_page_says_how_to_ask_and_needs_nothing_from_elsewhere(lake, api):
    answer = api.get("/")
    assert (
        "<code>gold.climate_hourly</code>" in answer.text
        and "7 rows, version 1, night 2024-03-06" in answer.text
    )
    assert (
        "`" not in answer.text
        and "src=" not in answer.text
        and "<script" not in answer.text
        and "http" not in answer.text
    )
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "script-src" not in policy and "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
