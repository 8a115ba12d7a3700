"""The API over gold on Databricks: what it reads through a SQL warehouse is what it reads from the same files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from fastapi import FastAPI
from starlette.testclient import TestClient

from serving.app import PREFIX, create_app
from serving.local import LocalLake
from serving.warehouse import WarehouseLake

ROWS = "/tables/gold.climate_hourly/rows"
SCHEMA = "main.api_gold"
# What takes a quotation mark, a type of its own, and all that a number can be.
TABLE = f"""CREATE TABLE {SCHEMA}.climate_hourly USING DELTA PARTITIONED BY (event_date) AS
SELECT DATE'2024-03-05' AS event_date, TIMESTAMP'2024-03-05 13:00:00.000001Z' AS hour, * FROM VALUES
  ('Room_A', 3L, 3.0D, CAST(1.10 AS DECIMAL(28,2)), array(1, null), map('a', 1L), true),
  ('it''s "`B', 9007199254740993L, double('NaN'), NULL, NULL, NULL, NULL),
  (NULL, NULL, NULL, 0.05, array(), map(), false),
  ('Room_A', 2L, double('Infinity'), NULL, NULL, NULL, NULL)
AS t(location, log_count, avg_temperature_f, amount, hours, late_rows, is_newest)"""
MORE = f"""INSERT INTO {SCHEMA}.climate_hourly SELECT DATE'2024-03-06', TIMESTAMP'2024-03-06 00:00:00Z', 'Room_C', 1L, -0.5D,
  NULL, NULL, NULL, NULL"""


def signed(night: str, stage: str = "publish") -> str:
    metadata = json.dumps({"run_id": night, "stage": stage, "night": night})
    return f"SET spark.databricks.delta.commitInfo.userMetadata={metadata}"


@pytest.fixture(scope="module")
def workspace_client(standin_spark: str, signed_in: Any) -> Iterator[WorkspaceClient]:
    """A client that is signed in as long as this module's tests run."""
    with signed_in() as client:
        yield client


@pytest.fixture(scope="module")
def statements(workspace_client: WorkspaceClient) -> Any:
    """Executes a statement; its rows."""

    def execute(statement: str) -> list[list[str]]:
        answer = workspace_client.statement_execution.execute_statement(statement, "any")
        assert answer.status and answer.status.state and answer.status.state.value == "SUCCEEDED", answer
        return (answer.result and answer.result.data_array) or []

    return execute


@pytest.fixture(scope="module")
def apis(
    statements: Any, workspace_client: WorkspaceClient, tmp_path_factory: Any
) -> tuple[TestClient, TestClient]:
    """The API through the warehouse, and over the files that the same table lies in."""
    for statement in (f"CREATE SCHEMA {SCHEMA}", signed("2024-03-05"), TABLE, signed("2024-03-06"), MORE):
        statements(statement)
    (detail,) = statements(f"DESCRIBE DETAIL {SCHEMA}.climate_hourly")
    home = tmp_path_factory.mktemp("lake")
    (home / "warehouse/gold.db").mkdir(parents=True)
    (folder,) = [Path(text.removeprefix("file:")) for text in detail if text and text.startswith("file:")]
    (home / "warehouse/gold.db/climate_hourly").symlink_to(folder)
    lakes = (WarehouseLake(workspace_client, "any", "main", "api_"), LocalLake(home))
    return tuple(map(_client, lakes))  # type: ignore[return-value]


def _client(lake: Any) -> TestClient:
    app = FastAPI()
    app.mount(PREFIX, create_app(lambda: None, lambda: lake))
    return TestClient(app, base_url=f"http://testserver{PREFIX}", raise_server_exceptions=False)


@pytest.mark.parametrize(
    "asked",
    [
        "order=location,log_count",
        "order=-avg_temperature_f,location,event_date&columns=avg_temperature_f,location",
        "order=log_count&where=avg_temperature_f:gte:-1&where=avg_temperature_f:lte:Infinity",
        "order=log_count&where=avg_temperature_f:ne:3",
        "order=log_count&where=avg_temperature_f:in:3,Infinity",
        "order=log_count&where=location:in:Room_A,%22it's%20%22%22%60B%22",
        "where=location:eq:it's%20%22%60B&where=log_count:eq:9007199254740993",
        "where=location:null:true&where=is_newest:eq:false",
        "where=amount:lt:1.1&where=hours:null:false",
        "where=hour:gt:2024-03-05T13:00:00Z&where=event_date:lte:2024-03-05&order=log_count",
        "where=location:eq:x'%20OR%20'1'='1",
        "as_of=2024-03-05&order=log_count",
        "as_of=0&order=log_count",
        "as_of=9",
        "as_of=2024-03-07",
        "where=none:eq:1",
        "where=late_rows:eq:1",
        "order=none",
    ],
)
def test_a_warehouse_answers_what_the_files_do(apis: tuple[TestClient, TestClient], asked: str) -> None:
    through_warehouse, over_files = (api.get(f"{ROWS}?{asked}") for api in apis)
    assert over_files.status_code < 500
    assert through_warehouse.json() == over_files.json()


def test_pages_through_a_warehouse_are_of_one_version_and_fit_together(
    apis: tuple[TestClient, TestClient], statements: Any
) -> None:
    whole = apis[0].get(f"{ROWS}?as_of=1").json()["rows"]
    found, path = [], f"{ROWS}?as_of=1&limit=2"
    while path:
        answer = apis[0].get(path).json()
        found += answer["rows"]
        path = answer["next"] and f"http://testserver{answer['next']}"
    assert found == whole and len(whole) == 5


def test_a_table_is_described_and_one_that_is_not_there_says_so(apis: tuple[TestClient, TestClient]) -> None:
    here, there = (api.get("/tables/gold.climate_hourly").json() for api in apis)
    names = [[column["name"] for column in each.pop("columns")] for each in (here, there)]
    assert names[0] == names[1]
    assert there["night"] == "2024-03-06" and here == there | {"row_count": None}
    missing = [api.get("/tables/gold.alerts/rows") for api in apis]
    assert [answer.status_code for answer in missing] == [404, 404]
    assert missing[0].json() == missing[1].json()


def test_who_may_not_read_through_the_warehouse_gets_a_line_about_it(
    apis: tuple[TestClient, TestClient], standin: Any
) -> None:
    body = {"error_code": "PERMISSION_DENIED", "message": "no CAN USE"}
    standin.faults({"path": "/api/2.0/sql/statements/", "status": 403, "body": body})
    refused = apis[0].get(f"{ROWS}?limit=1")
    assert refused.status_code == 502 and refused.json()["title"] == "The workspace refused"
