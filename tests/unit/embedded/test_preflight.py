"""What `make run` refuses in one line before anything starts."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from embedded import preflight
from embedded.errors import Refused
from embedded.preflight import check_java
from embedded.processes import Processes
from tests.support.embedded_stack import Embedded


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"NIGHT": "soon"}, "'soon' is not a date"),
        ({"NIGHT": "2024-02-30"}, "is not a date"),
        ({"NIGHT": "2999-01-01"}, "is not over yet"),
        ({"NIGHT": "1969-12-31"}, "before 1970-01-01"),
        ({"SIMULATE": "radings"}, "nothing to simulate is called 'radings'"),
        ({"NIGHT": "2024-03-05; touch /tmp/x"}, "is not a date"),
        ({"SCALE": "0"}, "out of range"),
        ({"SCALE": "-1"}, "out of range"),
        ({"SCALE": "1000"}, "out of range"),
        ({"SCALE": "nan"}, "out of range"),
        ({"SCALE": "much"}, "not a number"),
        ({"SEED": "-1"}, "not an integer"),
        ({"TABLES": "../readings"}, "no table '../readings'"),
        ({"TABLES": "readings,https://example.org/x"}, "no table"),
        ({"AIRFLOW_PORT": "eighty"}, "AIRFLOW_PORT=eighty is not a port"),
    ],
    ids=str,
)
@pytest.mark.parametrize("command", ["preflight", "run"])
def test_bad_values_are_refused_in_one_line_before_anything_starts(
    tmp_path: Path, command: str, variables: dict[str, str], complaint: str
) -> None:
    refused = Embedded(tmp_path, 18080, 18081)(command, **variables)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: ")
    assert complaint in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert refused.stdout == ""
    assert not (tmp_path / "run").exists()


def test_a_port_that_somebody_else_has_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = Embedded(tmp_path, port, 18081)("preflight")
        pipeline = Embedded(tmp_path, port, 18081)("preflight", "--for-pipeline")
    assert refused.returncode == 2
    assert f"port {port} for the Airflow UI is taken by another program" in refused.stderr
    assert "AIRFLOW_PORT=" in refused.stderr
    assert (pipeline.returncode, pipeline.stderr) == (0, ""), "it needs no Airflow"


@pytest.mark.parametrize("changed", ["requirements/airflow.txt", "requirements/test.txt"])
def test_environments_do_not_change_under_a_stack_that_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    monkeypatch.setattr(preflight, "PROJECT", tmp_path)
    for order, name in enumerate(
        (
            "requirements/airflow.txt",
            "requirements/spark.txt",
            "requirements/test.txt",
            ".venv/airflow/.stamp",
        )
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (order, order))
    processes = Processes(tmp_path / "run")
    processes.start("scheduler", ["sleep", "99"], {"PATH": "/usr/bin:/bin"}, tmp_path / "log")
    try:
        preflight.check_environments(processes)
        os.utime(tmp_path / changed, (9, 9))
        with pytest.raises(Refused, match=f"{changed} has changed since the stack was started; `make stop`"):
            preflight.check_environments(processes)
    finally:
        processes.stop(first="scheduler")
    preflight.check_environments(processes)


@pytest.mark.parametrize(
    ("java", "complaint"),
    [
        (None, "no Java found"),
        ("echo 'openjdk version \"11.0.22\" 2024-01-16' >&2", "is Java 11, which is too old"),
        ("echo 'java version \"1.8.0_402\"' >&2", "is Java 8, which is too old"),
        ("echo 'openjdk version \"24\" 2025-03-18' >&2", "is Java 24, which is too new for Spark 4.1"),
        ("echo 'openjdk version \"25.0.1\" 2025-10-21' >&2", "is Java 25, which is too new for Spark 4.1"),
        ("echo broken; exit 1", "is not a Java that runs:"),
    ],
)
def test_a_java_that_is_missing_too_old_or_too_new_is_said_in_one_line_with_how_to_get_one(
    tmp_path: Path, java: str | None, complaint: str
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    if java:
        (programs / "java").write_text(f"#!/bin/sh\n{java}\n")
        (programs / "java").chmod(0o755)
    path = str(programs) if java is None else f"{programs}:/bin:/usr/bin"
    refused = Embedded(tmp_path, 18080, 18081)("preflight", PATH=path, JAVA_HOME="")
    assert refused.returncode == 2
    assert complaint in refused.stderr
    assert "install Java 17 or 21 " in refused.stderr and "openjdk-17-jre-headless" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_the_java_of_java_home_is_the_one_that_counts(tmp_path: Path) -> None:
    java = tmp_path / "jdk/bin/java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho 'openjdk version \"25.0.1\" 2025-10-21' >&2\n")
    java.chmod(0o755)
    refused = Embedded(tmp_path, 18080, 18081)("preflight", JAVA_HOME=str(tmp_path / "jdk"))
    assert refused.returncode == 2
    assert f"{java} is Java 25, which is too new for Spark 4.1" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("version", ["17.0.9", "21", "21.0.5"])
def test_spark_runs_on_java_17_and_21(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    java = tmp_path / "bin/java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    check_java()
