"""What `make run` refuses in one line before anything starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.embedded_stack import Embedded


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"NIGHT": "soon"}, "'soon' is not a date"),
        ({"NIGHT": "2024-02-30"}, "is not a date"),
        ({"NIGHT": "2999-01-01"}, "is not over yet"),
        ({"NIGHT": "2023-12-31"}, "before the first night"),
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
    assert refused.returncode == 2
    assert f"port {port} for the Airflow UI is taken by another program" in refused.stderr
    assert "AIRFLOW_PORT=" in refused.stderr


@pytest.mark.parametrize(
    ("java", "complaint"),
    [
        (None, "no Java found"),
        ("echo 'openjdk version \"11.0.22\" 2024-01-16' >&2", "is Java 11:"),
        ("echo 'java version \"1.8.0_402\"' >&2", "is Java 8:"),
        ("echo broken; exit 1", "is not a Java that runs:"),
    ],
)
def test_a_java_that_is_missing_or_too_old_is_said_in_one_line_with_how_to_get_one(
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
    assert "openjdk-17-jre-headless" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
