"""What the stack asks of Airflow before a night: the pool that the tasks wait in, and the DAG switched on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import HTTPServer
from pathlib import Path

import pytest

from embedded.config import Config
from embedded.errors import Failed
from embedded.stack import Stack
from tests.support.http_server import Handler, serving


class Airflow(HTTPServer):
    """Knows the paths that it is given, and keeps what it is asked to change."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.known: dict[str, dict[str, object]] = {"/dags/iot_nightly": {"is_paused": True}}
        self.changes: list[tuple[str, str, dict[str, object]]] = []


class _Answers(Handler):
    server: Airflow

    def do_GET(self) -> None:
        found = self.server.known.get(self.path.removeprefix("/api/v2"))
        self.answer(200 if found else 404, found)

    def do_POST(self) -> None:
        body = json.loads(self.body())
        if self.path != "/auth/token":
            self.server.changes.append((self.command, self.path, body))
        self.answer(201, {"access_token": "t"})

    do_PATCH = do_POST


@pytest.fixture
def airflow() -> Iterator[Airflow]:
    with serving(Airflow()) as server:
        yield server


def prepare(airflow: Airflow, folder: Path) -> list[tuple[str, str, dict[str, object]]]:
    """What the stack changes in Airflow once it is up."""
    Stack(
        Config(folder / "run", folder / "lake", airflow.server_port, 15002, "local", True)
    )._prepare_airflow()
    return airflow.changes


def test_the_pool_of_spark_is_made_with_one_slot_and_the_night_is_switched_on(
    airflow: Airflow, tmp_path: Path
) -> None:
    (_, path, pool), switched_on = prepare(airflow, tmp_path)
    assert (path, pool["name"], pool["slots"]) == ("/api/v2/pools", "spark", 1)
    assert switched_on == ("PATCH", "/api/v2/dags/iot_nightly", {"is_paused": False})


def test_a_dag_that_cannot_be_read_is_said_at_once_with_the_reason_unless_that_is_of_before(
    airflow: Airflow, tmp_path: Path
) -> None:
    del airflow.known["/dags/iot_nightly"]
    error = {
        "timestamp": "2024-03-05T12:00:00Z",
        "filename": "iot_nightly.py",
        "stack_trace": 'Traceback …\n  File "targets.py"\nValueError: targets.toml [local]: unknown key catalogue\n',
    }
    airflow.known["/importErrors?limit=100"] = {
        "import_errors": [error | {"filename": "iot_model.py"}, error]
    }
    stack = Stack(Config(tmp_path / "run", tmp_path / "lake", airflow.server_port, 15002, "local", True))
    pid = tmp_path / "run/pids/dag-processor.json"
    pid.parent.mkdir(parents=True)
    pid.touch()
    read_at = datetime(2024, 3, 5, 12, tzinfo=UTC).timestamp()
    os.utime(pid, (read_at - 1, read_at - 1))
    said = r"^Airflow cannot read dags/iot_nightly\.py: targets\.toml \[local\]: unknown key catalogue; mend that, .+$"
    with pytest.raises(Failed, match=said):
        stack._knows_the_dag()
    os.utime(pid, (read_at + 1, read_at + 1))
    assert not stack._knows_the_dag()


def test_what_is_there_already_is_left_as_it_is(airflow: Airflow, tmp_path: Path) -> None:
    airflow.known |= {"/pools/spark": {"slots": 3}, "/dags/iot_nightly": {"is_paused": False}}
    assert prepare(airflow, tmp_path) == []
