"""The project's Spark Connect server as tests have it: quick to make a lake, with what Databricks has besides."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.project import PROJECT, free_port, wait_for_port
from tests.support.spark_folder import FEW_ROWS, LASTING, spark_folder
from tests.support.standin.spark_server import of_databricks, standin_jar

PYTHON = PROJECT / ".venv/spark/bin/python"
SHARED = "TESTS_CONNECT_SERVER"  # the variable of a server for several runs of pytest: what `connect_server` gives, as JSON
SETTINGS = (
    *FEW_ROWS,
    # Each test has a lake of its own, and Hive's metastore takes a third of the time of making one. That Hive takes the
    # product's tables shows end to end.
    "spark.sql.catalogImplementation=in-memory",
    # Delta keeps a table for an hour in memory after its last use, and most lakes here are gone in minutes.
    "spark.databricks.delta.delta.log.cacheRetentionMinutes=3",
    # That Spark's rules leave plans valid is Spark's affair.
    "spark.sql.lightweightPlanChangeValidation=false",
    # Which line made a column is found by looking through the stack at each call.
    "spark.python.sql.dataFrameDebugging.enabled=false",
)


def shared() -> dict[str, str] | None:
    """What `connect_server` gives, of a server that was started for several runs of pytest; None without one."""
    if not (given := os.environ.get(SHARED)):
        return None
    environment: dict[str, str] = json.loads(given)
    # Sessions differ by user and id, and jobs of two suites may have the same run.
    return environment | {"SPARK_REMOTE": f"{environment['SPARK_REMOTE']};user_id={os.getpid()}"}


@contextmanager
def connect_server(home: Path) -> Iterator[dict[str, str]]:
    """Run the server below a folder; the environment in which jobs reach it.

    Raises RuntimeError with the end of its log when it does not come up.
    """
    port, token = free_port(), secrets.token_hex(16)
    environment = {
        **os.environ,
        "LAKEHOUSE_HOME": str(home),
        "LAKEHOUSE_SPARK_PYTHON": str(PYTHON),
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": token,
        "SPARK_CONNECT_PORT": str(port),
        "SPARK_DRIVER_MEMORY": "5g",
        "JDK_JAVA_OPTIONS": f"{LASTING} {os.environ.get('JDK_JAVA_OPTIONS', '')}",
    }
    settings = (*SETTINGS, *of_databricks("main", home))
    script, log = spark_folder(home / "spark", settings, [standin_jar(PYTHON)]), home / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [script], env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_for_port(port, server, log, 120)
        yield {
            "SPARK_REMOTE": f"sc://localhost:{port}/;authorization=Bearer%20{token}",
            "LAKEHOUSE_HOME": str(home),
            "GX_ANALYTICS_ENABLED": "false",
        }
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    # For suites that share it: the environment in a line, and the server until standard input ends. Its log and those of
    # who worked with it are kept in a folder.
    with tempfile.TemporaryDirectory(prefix="lakehouse-tests-", ignore_cleanup_errors=True) as folder:
        try:
            with connect_server(Path(folder)) as reached:
                print(json.dumps(reached), flush=True)
                sys.stdin.read()
        finally:
            for log in Path(folder).glob("*.log"):
                shutil.copy(log, sys.argv[1])
