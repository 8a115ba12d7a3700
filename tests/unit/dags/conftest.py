"""An Airflow of its own for these tests: a home in a temporary folder, an empty database, no example DAGs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import PROJECT

# Airflow reads its configuration while it is imported, so this comes first.
HOME = tempfile.TemporaryDirectory(prefix="airflow-tests-")
for name in [name for name in os.environ if "AIRFLOW" in name or name.startswith("LAKEHOUSE")]:
    del os.environ[name]
os.environ |= {
    "AIRFLOW_HOME": HOME.name,
    "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer",
    "AIRFLOW__API_AUTH__JWT_SECRET": "only-for-tests-only-for-tests-only-for-tests-only-for-tests-1234",
    "LAKEHOUSE_HOME": f"{HOME.name}/lake",
}
sys.path[:0] = [str(PROJECT / "dags"), str(PROJECT / "plugins")]


@pytest.fixture(scope="session")
def database() -> None:
    """Airflow's tables."""
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True, timeout=300
    )


@pytest.fixture(scope="session")
def bag() -> Any:
    """Every DAG, parsed as the DAG processor parses them."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(PROJECT / "dags"), collect_dags=True)


@pytest.fixture
def nightly(bag: Any) -> Any:
    """The nightly DAG."""
    return bag.dags["iot_nightly"]


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty lake."""
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path))
    yield tmp_path
