"""A catalog that has changed is in the form of the next `make run`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import HTTPServer
from pathlib import Path

import pytest

from embedded.airflow_api import AirflowApi
from embedded.errors import Failed
from embedded.renewal import renew
from tests.support.http_server import Handler, serving

READ_AT = datetime(2024, 3, 5, 12, tzinfo=UTC)


class Airflow(HTTPServer):
    """Knows one DAG as of a moment, and reads it again when it is asked to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.read_at = READ_AT
        self.asked: list[str] = []
        self.errors: list[dict[str, str]] = []


class Answers(Handler):
    """What it says over HTTP."""

    server: Airflow

    def do_GET(self) -> None:
        if "/importErrors" in self.path:
            self.answer(200, {"import_errors": self.server.errors})
            return
        read_at = self.server.read_at.isoformat().replace("+00:00", "Z")
        self.answer(200, {"last_parsed_time": read_at, "file_token": "t0k"})

    def do_PUT(self) -> None:
        self.body()
        self.server.asked.append(self.path)
        if not self.server.errors:
            self.server.read_at = datetime.now(UTC)
        self.answer(201, None)

    def do_POST(self) -> None:
        self.body()
        self.answer(201, {"access_token": "t"})


@pytest.fixture
def airflow() -> Iterator[Airflow]:
    with serving(Airflow()) as server:
        yield server


@pytest.mark.parametrize(
    ("seconds", "asked"), [(-60, []), (60, ["/api/v2/parseDagFile/t0k"])], ids=["older", "younger"]
)
def test_a_dag_is_read_again_when_a_file_that_it_is_made_of_is_younger(
    airflow: Airflow, tmp_path: Path, seconds: int, asked: list[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.touch()
    moment = READ_AT.timestamp() + seconds
    os.utime(file, (moment, moment))
    renew(AirflowApi(f"http://127.0.0.1:{airflow.server_port}", "admin", "x"), "iot_nightly", [tmp_path])
    assert airflow.asked == asked


def test_what_airflow_cannot_read_again_is_said_and_not_waited_for(airflow: Airflow, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").touch()
    error = {
        "timestamp": "2999-01-01T00:00:00Z",
        "filename": "iot_nightly.py",
        "stack_trace": "KeyError: 'a'",
    }
    airflow.errors = [error]
    api = AirflowApi(f"http://127.0.0.1:{airflow.server_port}", "admin", "x")
    with pytest.raises(Failed, match=r"^Airflow cannot read dags/iot_nightly\.py: 'a'$"):
        renew(api, "iot_nightly", [tmp_path])
