"""What an Airflow that is there already needs of the project, and what it hears when that is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException
from job import Job
from platforms.databricks import operator
from targets import load_target

from tests.support.project import PROJECT

# Airflow puts the DAG folder on the path, and nothing else.
PARSE = "import sys; sys.path.append('dags'); import iot_nightly, iot_receive; print(iot_nightly.__name__)"


def parse(checkout: Path, *folders: str) -> subprocess.CompletedProcess[str]:
    """Parse DAGs where there are these folders of the project alone."""
    for folder in folders:
        shutil.copytree(PROJECT / folder, checkout / folder, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-P", "-c", PARSE],
        check=False,
        capture_output=True,
        text=True,
        cwd=checkout,
        env=environment | {"LAKEHOUSE_TARGET": "dev", "LAKEHOUSE_HOME": ""},
    )


def test_the_folders_that_the_page_names_are_enough(tmp_path: Path) -> None:
    page = (PROJECT / "docs/databricks.md").read_text()
    (named,) = re.findall(r"^\| the folders (.*) of one checkout, side by side", page, re.MULTILINE)
    parsed = parse(tmp_path, *re.findall(r"`(\w+)/`", named))
    assert parsed.stdout == "iot_nightly\n", parsed.stderr


def test_dags_alone_say_in_one_line_what_is_missing(tmp_path: Path) -> None:
    last = parse(tmp_path, "dags").stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: {tmp_path} has no folder catalog/: ")
    assert "dags/, plugins/ and catalog/ of one checkout" in last


def test_a_task_without_a_folder_for_its_pages_submits_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LAKEHOUSE_HOME")
    task = operator(Job("gold", ("gold",)), load_target("dev"))
    with pytest.raises(AirflowFailException, match="LAKEHOUSE_HOME is not set: it names the folder"):
        task.execute({})
