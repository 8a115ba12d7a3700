"""One Spark Connect server per test run, shared by every test that needs Spark; a lake of its own per test."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    """Give a TCP port of localhost that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def connect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run the real server; give the environment in which jobs reach it."""
    home = tmp_path_factory.mktemp("spark")
    port, token = free_port(), secrets.token_hex(16)
    environment = {
        **os.environ,
        "LAKEHOUSE_HOME": str(home),
        "LAKEHOUSE_SPARK_PYTHON": sys.executable,
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": token,
        "SPARK_CONNECT_PORT": str(port),
        # Delta keeps a table for an hour in memory after its last use, and each test has a lake of its own.
        "SPARK_DRIVER_MEMORY": "5g",
    }
    log = home / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [ROOT / "spark" / "connect-server"],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            _wait_for(port, server, log)
            remote = f"sc://localhost:{port}/;authorization=Bearer%20{token}"
            yield {"SPARK_REMOTE": remote, "LAKEHOUSE_HOME": str(home), "GX_ANALYTICS_ENABLED": "false"}
        finally:
            server.terminate()
            server.wait(30)


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail(f"the Connect server did not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="session")
def spark(connect_server: dict[str, str]) -> Iterator[object]:
    """A session on the shared server, with the settings that jobs give themselves."""
    from pyspark.sql import SparkSession

    from jobs import session as sessions

    os.environ.update(connect_server)
    session = SparkSession.builder.remote(connect_server["SPARK_REMOTE"]).getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    session.conf.set("spark.sql.ansi.enabled", "true")
    # Interpreting suits frames of three rows: compiling each query takes longer than running it.
    session.conf.set("spark.sql.codegen.wholeStage", "false")
    session.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    yield session
    # Those of commands that failed, too: as long as there is a server to take leave of.
    sessions.close()
    session.stop()


@contextmanager
def new_lake(spark: object, home: Path) -> Iterator[Callable[..., object]]:
    """Settings for stages in a lake of its own, folder and schemas; gone afterwards."""
    from jobs.settings import Settings
    from jobs.tables import SCHEMAS, selection

    prefix = f"t{secrets.token_hex(4)}_"

    def settings(stage: str, **overrides: object) -> Settings:
        defaults = {
            "stage": stage,
            "night": date(2024, 3, 5),
            "run_id": "test",
            "home": home,
            "catalog": "spark_catalog",
            "prefix": prefix,
            "tables": selection(()),
            "scale": 0.01,
        }
        return Settings(**{**defaults, **overrides})

    yield settings
    for schema in SCHEMAS:
        spark.sql(f"DROP SCHEMA IF EXISTS {prefix}{schema} CASCADE")
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def lake(spark, tmp_path: Path) -> Iterator[Callable[..., object]]:
    """A lake of the test's own: `lake("silver", night=…)` gives the settings of a stage in it."""
    with new_lake(spark, tmp_path) as settings:
        yield settings


@pytest.fixture(scope="module")
def module_lake(spark, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., object]]:
    """A lake that the tests of a module share; they only read it."""
    with new_lake(spark, tmp_path_factory.mktemp("lake")) as settings:
        yield settings
