"""What the stack asks of Airflow before a night: the pool that the tasks wait in, and the DAG switched on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path

import pytest

from embedded.config import Config
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


def test_what_is_there_already_is_left_as_it_is(airflow: Airflow, tmp_path: Path) -> None:
    airflow.known |= {"/pools/spark": {"slots": 3}, "/dags/iot_nightly": {"is_paused": False}}
    assert prepare(airflow, tmp_path) == []
