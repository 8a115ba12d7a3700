"""What the client says when Airflow does not answer as hoped."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import HTTPServer

import pytest

from embedded import airflow_api
from embedded.airflow_api import AirflowApi
from embedded.errors import Failed
from tests.support.http_server import Handler, serving


class Airflow(Handler):
    """Knows one DAG, refuses every change."""

    def do_GET(self) -> None:
        self.answer(200 if self.path.endswith("/dags/known") else 404, {"dag_id": "known"})

    def do_POST(self) -> None:
        self.body()
        if self.path == "/auth/token":
            self.answer(201, {"access_token": "t"})
        else:
            self.answer(400, {"detail": "scale is too large"})


@pytest.fixture
def url() -> Iterator[str]:
    with serving(HTTPServer(("127.0.0.1", 0), Airflow)) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def test_what_is_not_there_is_none(url: str) -> None:
    api = AirflowApi(url, "admin", "x")
    assert api.get("/dags/known") == {"dag_id": "known"}
    assert api.get("/dags/unknown") is None


def test_a_refusal_says_why(url: str) -> None:
    with pytest.raises(Failed, match=r"HTTP 400\): scale is too large"):
        AirflowApi(url, "admin", "x").post("/dags/known/dagRuns", {})


def test_a_server_that_is_gone_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airflow_api, "PATIENCE", 1)
    api = AirflowApi("http://127.0.0.1:1", "admin", "x")
    with pytest.raises(Failed, match=r"does not answer at http://127\.0\.0\.1:1"):
        api.get("/dags")
    with pytest.raises(Failed, match="does not answer"):
        api.post("/pools", {})
    assert api.healthy() == {}
