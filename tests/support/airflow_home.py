"""An Airflow of its own for the tests of this process: import this before Airflow, which reads it while imported.

A home in a temporary folder, no example DAGs, no connections, nothing of the caller's own.
"""

from __future__ import annotations

import os
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from tests.support.project import PROJECT

if TYPE_CHECKING:
    from starlette.testclient import TestClient

HOME = tempfile.TemporaryDirectory(prefix="airflow-tests-")
FOREIGN = ("AIRFLOW", "_AIRFLOW", "LAKEHOUSE", "DATABRICKS", "TARGET")
for name in [name for name in os.environ if name.startswith(FOREIGN)]:
    del os.environ[name]
os.environ |= {
    "AIRFLOW_HOME": HOME.name,
    "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer",
    "AIRFLOW__API_AUTH__JWT_SECRET": "only-for-tests-only-for-tests-only-for-tests-only-for-tests-1234",
    # As workspace/__main__.py does it.
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
    "LAKEHOUSE_HOME": f"{HOME.name}/lake",
}
# Airflow puts its DAG folder there.
sys.path[:0] = [str(PROJECT / "dags"), str(PROJECT / "plugins")]


def log_in(client: TestClient) -> None:
    """Have a browser logged in as a mere viewer, once there is an auth manager."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="viewer", role="VIEWER"))
    client.cookies.set("_token", token)


@pytest.fixture(scope="session")
def database() -> None:
    """Airflow's tables, in that home, with the pool of all tasks."""
    from airflow.models.pool import Pool
    from airflow.utils.db import initdb

    initdb()
    Pool.create_or_update_pool("spark", 1, "", include_deferred=False)
