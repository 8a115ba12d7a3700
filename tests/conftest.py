"""What a test needs is its marker; one Spark Connect server per test run; a lake of its own per test."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields
from datetime import date
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from inspect import ismodule
from pathlib import Path

import pytest

from tests.support.connect_server import connect_server as connect_server_in
from tests.support.connect_server import shared
from tests.support.project import PROJECT

# What is started with the help of a module -> marker: what a test cannot do without. `-m "not spark"` and the like
# choose by it.
NEEDS = {
    "tests.support.connect_server": "spark",
    "tests.support.standin.start": "standin",
    "tests.support.standin.in_process": "standin",
    "tests.support.embedded_stack": "stack",
    "tests.support.compose_stack": "containers",
    "selenium.webdriver": "browser",
}

# Airflow and Spark never share an environment, so each runs its own tests of this tree.
_AIRFLOW = ("databricks", "support/standin", "unit/dags", "unit/serving", "unit/workspace")
_SPARK = (
    *("end_to_end", "simulator", "spark", "unit/test_architecture.py", "unit/test_coverage.py"),
    *(f"unit/{folder}" for folder in ("containers", "embedded", "expectations", "jobs", "pipelines")),
)
collect_ignore = list(_SPARK if find_spec("airflow") else _AIRFLOW)

if find_spec("airflow"):
    # Here and not in the folders that use them: one stand-in, one Airflow home per test run.
    pytest_plugins = [
        "tests.support.airflow_home",
        "tests.support.workspace_command",
        "tests.support.standin.fixtures",
    ]


def pytest_configure(config: pytest.Config) -> None:
    """Refuse paths whose tests run in the other environment: pytest would pass them by."""
    other = "spark" if find_spec("airflow") else "airflow"
    for argument in config.args:
        path = Path(argument.split("::")[0]).resolve()
        if any(path.is_relative_to(PROJECT / "tests" / folder) for folder in collect_ignore):
            raise pytest.UsageError(
                f"{argument} runs in the other environment: .venv/{other}/bin/python -m pytest"
            )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test with what its fixtures start, however they are called."""
    for definitions in item._fixtureinfo.name2fixturedefs.values():
        for marker in needs_of(definitions[-1].func):
            item.add_marker(marker)


@cache
def needs_of(fixture: Callable[..., object]) -> frozenset[str]:
    """The markers of a fixture, by the modules of what its code names: functions, classes with those they come from."""
    named = [fixture.__globals__.get(name) for name in fixture.__code__.co_names]
    modules = {each.__name__ for each in named if ismodule(each)}
    modules |= {
        kind.__module__ for each in named if callable(each) for kind in getattr(each, "__mro__", [each])
    }
    return frozenset(NEEDS[module] for module in NEEDS.keys() & modules)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """End the run when the server of several suites is gone: its clients would wait for it, each for minutes."""
    if item.get_closest_marker("spark") and (server := shared()):
        from jobs.errors import JobError
        from jobs.session import knock

        try:
            knock(server["SPARK_REMOTE"])
        except JobError:
            pytest.exit("the tests' Spark server is gone; its log is .test-results/server.log", returncode=1)


@pytest.fixture(scope="session")
def connect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run the real server, if tests/run.py has not started one for several suites; the environment in which jobs reach it."""
    if given := shared():
        yield given
        return
    with connect_server_in(tmp_path_factory.mktemp("spark")) as environment:
        yield environment


@pytest.fixture(scope="session")
def spark(connect_server: dict[str, str]) -> Iterator[object]:
    """A session on the shared server, with the settings that jobs give themselves."""
    from pyspark.sql import SparkSession

    from jobs import session as sessions

    os.environ.update(connect_server)
    session = SparkSession.builder.remote(connect_server["SPARK_REMOTE"]).getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    session.conf.set("spark.sql.ansi.enabled", "true")
    yield session
    # Those of commands that failed, too: as long as there is a server to take leave of.
    sessions.close()
    session.stop()


@contextmanager
def new_lake(spark: object, home: Path) -> Iterator[Callable[..., object]]:
    """Settings for stages in a lake of its own, folder and schemas; gone afterwards."""
    from catalog.pipeline import STAGES
    from catalog.tables import SCHEMAS, selection
    from jobs import session as sessions
    from jobs.settings import Settings

    prefix = f"t{secrets.token_hex(4)}_"

    def settings(stage: str, **overrides: object) -> Settings:
        # A command's arguments are its own affair.
        if module := STAGES[stage].arguments if stage in STAGES else "":
            kind = import_module(module).Options
            names = {field.name for field in fields(kind)}
            given = {name: overrides.pop(name) for name in names & overrides.keys()}
            # Of a stage without options of how much it simulates, little is enough.
            little = {"scale": 0.01} if "scale" in names else {}
            required = {
                field.name
                for field in fields(kind)
                if field.default is MISSING and field.default_factory is MISSING
            }
            # Without those it is asked for folders and names alone.
            if "options" not in overrides and required <= given.keys():
                overrides["options"] = kind(**little | given)
        defaults = {
            "stage": stage,
            "night": date(2024, 3, 5),
            "run_id": "test",
            "home": home,
            "catalog": "spark_catalog",
            "prefix": prefix,
            "tables": selection(()),
        }
        return Settings(**{**defaults, **overrides})

    yield settings
    # Of a server that is gone each of these would wait for minutes.
    for schema in SCHEMAS if sessions.is_reachable() else ():
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
