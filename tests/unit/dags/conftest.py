"""The DAGs, parsed once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import PROJECT


@pytest.fixture(scope="session")
def bag() -> Any:
    """Every DAG, parsed as the DAG processor parses them."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(PROJECT / "dags"), collect_dags=True)


FRESH = """
import json, sys
import data_docs, fleet, lakehouse_api
plugin = [*sys.modules]
import iot_nightly
print(json.dumps({"plugins": plugin, "iot_nightly": [*sys.modules]}))
"""


@pytest.fixture(scope="session")
def imported() -> dict[str, list[str]]:
    """Every module that a fresh process has, having imported the plugins, and then a DAG as well."""
    done = subprocess.run(
        [sys.executable, "-c", FRESH],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT / "dags",
        env=os.environ | {"PYTHONPATH": f"{PROJECT / 'plugins'}:{PROJECT}"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture
def nightly(bag: Any) -> Any:
    """The nightly DAG."""
    return bag.dags["iot_nightly"]


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty lake."""
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="session")
def stored(database: None, bag: Any) -> dict[str, Any]:
    """Every DAG as the scheduler has it; all are switched on."""
    from airflow.dag_processing.dagbag import sync_bag_to_db
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session
    from sqlalchemy import select, update

    with create_session() as session:
        session.merge(DagBundleModel(name="dags"))
    sync_bag_to_db(bag, "dags", None)
    with create_session() as session:
        session.execute(update(DagModel).values(is_paused=False))
        return {each.dag_id: each.dag for each in session.scalars(select(SerializedDagModel))}


@pytest.fixture
def session(stored: dict[str, Any]) -> Iterator[Any]:
    """A session with Airflow's database whose changes nobody keeps."""
    from airflow.settings import Session

    session = Session()
    try:
        yield session
    finally:
        session.rollback()
        session.close()
