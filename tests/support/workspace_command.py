"""`python -m workspace …` in this process, with an Airflow home of its own and without connections."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from tests.support.project import PROJECT

# Airflow reads its configuration while it is imported, so this comes first.
HOME = tempfile.TemporaryDirectory(prefix="airflow-tests-")
FOREIGN = ("AIRFLOW", "_AIRFLOW", "LAKEHOUSE", "DATABRICKS", "TARGET")
for name in [name for name in os.environ if name.startswith(FOREIGN)]:
    del os.environ[name]
os.environ |= {
    "AIRFLOW_HOME": HOME.name,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
    # As workspace/__main__.py does it.
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
}
sys.path.insert(0, str(PROJECT / "dags"))


class Said(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    err: str


@pytest.fixture
def workspace(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Said]]:
    """Runs `python -m workspace …` in this process: `workspace("doctor", "--target", "dev")`."""
    from workspace.cli import main

    monkeypatch.setenv("LAKEHOUSE_HOME", "lake")

    def run(*argv: str) -> Said:
        with warnings.catch_warnings():
            try:
                status = main(argv)
            except SystemExit as exit:
                status = int(exit.code or 0)
            finally:
                logging.disable(logging.NOTSET)
        return Said(status, *capsys.readouterr())

    yield run
