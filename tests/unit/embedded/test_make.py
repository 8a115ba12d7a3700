"""The commands of the Makefile on a fresh copy of the project, as far as they need neither Spark nor Airflow."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from embedded import cli, config
from embedded.errors import Refused
from embedded.processes import Processes
from tests.support.project import PROJECT

# What an outer `make test` hands down is none of a user's.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("MAKE", "MFLAGS", "LAKEHOUSE", "VIRTUAL_ENV"))
    and name not in {"NIGHT", "SCALE", "SEED", "TABLES", "TARGET", "ONLY", "PART", "ENGINE"}
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The project as it is cloned: no environment, no lake, nothing that ran."""
    made = shutil.ignore_patterns(".?*", "lake", "jars", "__pycache__", "*.png")
    return Path(shutil.copytree(PROJECT, tmp_path / "checkout", ignore=made))


def make(checkout: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments],
        check=False,
        cwd=checkout,
        env=ENVIRONMENT | variables,
        capture_output=True,
        text=True,
        timeout=120,
    )


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What was said on stderr, but for make's own closing line."""
    return [line for line in done.stderr.splitlines() if not line.startswith("make")]


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_help_lists_every_command_with_what_it_does(checkout: Path) -> None:
    for arguments in ((), ("help",)):
        done = make(checkout, *arguments)
        assert done.returncode == 0, done.stderr
        listed = dict(re.findall(r"^  ([a-z-]+) +(\S.*)$", done.stdout, re.MULTILINE))
        assert set(listed) >= {
            "help",
            "run",
            "stop",
            "status",
            "test",
            "lint",
            "up",
            "down",
            "deploy",
            "clean",
        }


def test_a_night_that_is_none_is_refused_in_one_line_and_nothing_is_made(checkout: Path) -> None:
    done = make(checkout, "run", "NIGHT=soon")
    assert done.returncode != 0
    (line,) = complaints(done)
    assert line.startswith("error: ") and "'soon' is not a date" in line
    assert not (checkout / ".venv").exists() and not (checkout / ".run").exists()


def test_a_java_that_is_too_old_is_said_before_anything_is_made(checkout: Path, tmp_path: Path) -> None:
    program(tmp_path / "bin", "java", "echo 'openjdk version \"11\" 2018-09-25' >&2")
    path = f"{tmp_path / 'bin'}:{ENVIRONMENT['PATH']}"
    done = make(checkout, "run", PATH=path, JAVA_HOME="")
    assert done.returncode != 0
    (line,) = complaints(done)
    assert "is Java 11, which is too old for Spark 4.1: install Java 17 or 21" in line
    assert not (checkout / ".venv").exists() and not (checkout / ".run").exists()


def test_with_nothing_up_status_says_so_and_stop_is_fine(checkout: Path) -> None:
    status = make(checkout, "status")
    assert status.returncode == 0, status.stderr
    states = dict(line.split(maxsplit=1) for line in status.stdout.splitlines())
    services = ("spark", "api-server", "scheduler", "dag-processor", "triggerer")
    assert states == dict.fromkeys(services, "not running")
    stop = make(checkout, "stop")
    assert (stop.returncode, stop.stdout, stop.stderr) == (0, "nothing was running\n", "")


def test_what_was_started_is_looked_at_and_stopped_with_a_file_of_targets_that_is_broken_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(config, "PROJECT", tmp_path)
    monkeypatch.setenv("LAKEHOUSE_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("AIRFLOW_PORT", "1024")
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags/targets.toml").write_text("[local")
    up = Processes(tmp_path / "run")
    up.start("scheduler", ["sleep", "600"], dict(os.environ), tmp_path / "run/scheduler.log")
    for command, says in (("status", "scheduler      not healthy\n"), ("stop", "stopped: scheduler\n")):
        monkeypatch.setattr(sys, "argv", ["embedded", command])
        assert cli.main() == 0
        said = capsys.readouterr()
        assert says in said.out and said.err.startswith("warning: dags/targets.toml cannot be read: ")
        assert said.err.count("\n") == 1
    assert not up.runs("scheduler")


def test_what_the_tests_need_beyond_a_night_is_said_before_anything_is_made(
    checkout: Path, tmp_path: Path
) -> None:
    program(tmp_path / "bin", "java", "echo 'openjdk version \"17.0.9\"' >&2")
    # These alone, so that no javac is found.
    for tool in ("bash", "make"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    ports = {"AIRFLOW_PORT": "18080", "SPARK_CONNECT_PORT": "18081"}
    python = f"PYTHON={Path(sys.base_prefix) / 'bin/python3.11'}"
    done = make(checkout, "test", python, PATH=str(tmp_path / "bin"), JAVA_HOME="", **ports)
    assert done.returncode != 0
    (line,) = complaints(done)
    assert "no javac in PATH: install a JDK 17 or 21" in line
    assert not (checkout / ".venv").exists()


def test_continuous_integration_lints_first_and_that_prepares_what_it_needs(checkout: Path) -> None:
    script = (PROJECT / ".ci/run").read_text()
    assert re.findall(r"^\s*make (?:-\S+ )?(\w+)", script, re.MULTILINE) == ["lint", "test"]
    assert "set -euo pipefail" in script
    (lint,) = (line for line in script.splitlines() if " lint " in line and line.strip().startswith("make "))
    assert "||" not in lint
    planned = make(checkout, "-n", "lint").stdout
    for environment in ("-m venv .venv/tools", "the airflow environment", "the spark environment"):
        assert 0 < planned.index(environment) < planned.index("ruff check")
    assert "fetch_jars" not in planned, "they come meanwhile"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write anywhere."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_for_state_that_cannot_be_written_to_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    monkeypatch.setenv("LAKEHOUSE_RUN_DIR", str(tmp_path / "locked/run"))
    with as_nobody(), pytest.raises(Refused, match=r"LAKEHOUSE_RUN_DIR: /.* cannot be written to"):
        config.read_config()


@pytest.mark.parametrize("command", ["status", "stop", "run", "password"])
def test_a_folder_for_state_that_is_a_file_is_said_in_one_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").touch()
    done = make(PROJECT, command, LAKEHOUSE_RUN_DIR=str(tmp_path / "file/run"))
    assert done.returncode != 0
    assert complaints(done) == [f"error: LAKEHOUSE_RUN_DIR: {tmp_path}/file is not a folder; name another"]


def embedded_with_another_python(*arguments: str, run_dir: Path) -> subprocess.CompletedProcess[str]:
    """`python3 -m embedded …` where python3 takes itself for 3.12."""
    code = (
        "import runpy, sys; sys.version_info = (3, 12, 1); runpy.run_module('embedded', run_name='__main__')"
    )
    return subprocess.run(
        [Path(sys.base_prefix) / "bin/python3.11", "-c", code, *arguments],
        check=False,
        cwd=PROJECT,
        env=ENVIRONMENT | {"LAKEHOUSE_RUN_DIR": str(run_dir)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_what_is_done_by_hand_works_with_whichever_python_once_the_environments_are_there(
    tmp_path: Path,
) -> None:
    done = embedded_with_another_python("job", "verify", "--help", run_dir=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "recompute row accounts" in done.stdout


def test_environments_are_not_made_with_another_python(tmp_path: Path) -> None:
    done = embedded_with_another_python("preflight", run_dir=tmp_path)
    assert done.returncode == 2
    assert "this is Python 3.12, needed is 3.11" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_make_help_lists_the_commands() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    described = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony and described == set(phony[1].split())
