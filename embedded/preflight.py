"""Checks before anything is installed or started."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

from catalog import location
from embedded.config import PROJECT, Config, check_writable
from embedded.errors import Refused
from embedded.processes import Processes

# What Spark 4.1 runs on. The Hadoop that it comes with calls Subject.getSubject, which newer ones no longer have.
JAVA, LATEST_JAVA = 17, 21
GET_JAVA = (
    f"install Java {JAVA} or {LATEST_JAVA} (Debian, Ubuntu: apt-get install openjdk-{JAVA}-jre-headless; "
    f"macOS: brew install openjdk@{JAVA}) or point JAVA_HOME at one"
)


def preflight(config: Config, *, for_tests: bool = False, for_pipeline: bool = False) -> None:
    """Raise Refused, in one line, for the first thing that is missing or in the way; the pipeline needs no Airflow."""
    check_venv()
    check_writable(config.home, "LAKEHOUSE_HOME")
    processes = Processes(config.run_dir)
    check_environments(processes)
    if config.runs_spark:
        check_not_moved(config.home)
        check_java()
        check_port(config.connect_port, "SPARK_CONNECT_PORT", "Spark Connect", ours=processes.runs("spark"))
    if not for_pipeline:
        check_port(config.airflow_port, "AIRFLOW_PORT", "the Airflow UI", ours=processes.runs("api-server"))
    if for_tests:
        check_javac()


def check_venv() -> None:
    """Raise Refused when this Python has no `venv`, which Debian ships in a separate package."""
    if importlib.util.find_spec("ensurepip") is None:
        raise Refused(
            "this Python cannot make environments: install its venv (Debian: apt-get install python3.11-venv)"
        )


def check_environments(processes: Processes) -> None:
    """Raise Refused when `make setup` would change an environment under services that run in it."""
    if not any(map(processes.runs, processes.names())):
        return
    for name in ("airflow", "spark"):
        stamp = PROJECT / f".venv/{name}/.stamp"  # as the Makefile has it
        for file in (f"requirements/{name}.txt", "requirements/test.txt"):
            if stamp.exists() and (PROJECT / file).stat().st_mtime > stamp.stat().st_mtime:
                raise Refused(
                    f"{file} has changed since the stack was started; `make stop`, then the same again"
                )


def check_java() -> None:
    """Raise Refused unless Spark runs on the Java that spark-submit will use: of JAVA_HOME, else the first in PATH."""
    home = os.environ.get("JAVA_HOME")
    command = str(Path(home, "bin/java")) if home else shutil.which("java")
    if command is None:
        raise Refused(f"no Java found (JAVA_HOME is not set, no java in PATH): {GET_JAVA}")
    version = java_version(command)
    if version is None:
        raise Refused(f"{command} is not a Java that runs: {GET_JAVA}")
    if not JAVA <= version <= LATEST_JAVA:
        wrong = "old" if version < JAVA else "new"
        raise Refused(f"{command} is Java {version}, which is too {wrong} for Spark 4.1: {GET_JAVA}")


def check_not_moved(home: Path) -> None:
    """Raise Refused for a lake that was made under another path."""
    if moved := location.objection(home):
        raise Refused(moved)


def check_javac() -> None:
    """Raise Refused when there is no javac, with which the tests compile classes of their stand-in for Databricks."""
    if shutil.which("javac") is None:
        raise Refused(
            f"the tests need a Java compiler and there is no javac in PATH: install a JDK {JAVA} or {LATEST_JAVA} "
            f"(Debian, Ubuntu: apt-get install openjdk-{JAVA}-jdk-headless; macOS: brew install openjdk@{JAVA})"
        )


def java_version(command: str) -> int | None:
    """Return the major version of a Java, None if it does not run. Java 8 reports 1.8."""
    try:
        answer = subprocess.run(
            [command, "-version"], check=False, capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(found[1]) if found and answer.returncode == 0 else None


def check_port(port: int, variable: str, purpose: str, *, ours: bool) -> None:
    """Raise Refused unless the port is free or used by a service of this stack (`ours`)."""
    if ours:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise Refused(
                f"port {port} for {purpose} is taken by another program: "
                f"stop it or choose another port, for example {variable}={port + 1}"
            ) from None
