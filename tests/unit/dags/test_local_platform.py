"""The local operator, with small real programs standing for the Python of the jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.execution_time.timeout import timeout
from job import Job, Page
from platforms import local
from targets import Target

TOKEN = "s3cret/to+ken=="
QUOTED = "s3cret%2Fto%2Bken%3D%3D"
HERE = Target(platform="local", catalog="spark_catalog", prefix="", home="lake")

Standing = Callable[[str], "Task"]


class Task:
    """An operator whose jobs Python is a shell script, and the lines that it logs."""

    def __init__(self, operator: Any, lines: list[str]) -> None:
        self.operator = operator
        self.lines = lines

    def run(self) -> None:
        """Execute as the task runner does, around the guard against calls from elsewhere."""
        execute = type(self.operator).execute
        getattr(execute, "__wrapped__", execute)(self.operator, {})

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Recorder:
    """A logger that keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, message: str, *values: object) -> None:
        self.lines.append(message % values if values else message)


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Standing:
    """Makes a task whose jobs Python is this shell script."""
    connection = {"conn_type": "spark_connect", "host": "127.0.0.1", "port": 15002, "password": TOKEN}
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", json.dumps(connection))
    monkeypatch.setattr(local, "GRACE_SECONDS", 0.5)
    recorder = Recorder()
    monkeypatch.setattr(local.LocalJobOperator, "log", recorder)

    def make(body: str) -> Task:
        file = tmp_path / "python"
        file.write_text(f"#!/bin/bash\n{body}\n")
        file.chmod(0o755)
        monkeypatch.setenv("LAKEHOUSE_JOBS_PYTHON", str(file))
        job = Job("silver", ("silver", "--night=2024-03-05", "", "--prefix="))
        return Task(local.operator(job, HERE), recorder.lines)

    return make


def gone(pid: int) -> bool:
    """Whether no such process is there, or only its remains."""
    for _ in range(50):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_the_output_goes_to_the_log_line_by_line_and_empty_arguments_are_left_out(script: Standing) -> None:
    task = script('printf "%s\\n" "$@"; echo to stderr >&2')
    task.run()
    assert task.lines == [
        "python -m jobs silver --night=2024-03-05 --prefix=",
        *("-m", "jobs", "silver", "--night=2024-03-05", "--prefix=", "to stderr"),
    ]


def test_the_job_stands_in_the_project_without_anything_of_airflow_but_with_its_session(
    script: Standing,
) -> None:
    task = script("pwd; env | grep -c AIRFLOW; [ -d jobs ] && echo here; env | grep ^TZ")
    task.run()
    assert task.lines[1:] == [str(local.PROJECT), "0", "here", "TZ=UTC"]


def test_the_token_is_in_the_environment_of_the_job_and_nowhere_in_its_log(script: Standing) -> None:
    task = script(
        f'[[ "$SPARK_REMOTE" == "sc://127.0.0.1:15002/;authorization=Bearer%20{QUOTED}" ]] && echo right\n'
        'echo "$SPARK_REMOTE" "$@"; echo "$SPARK_REMOTE" >&2; exit 1'
    )
    with pytest.raises(AirflowException) as error:
        task.run()
    assert task.lines[1] == "right"
    assert "Bearer%20***" in task.text
    for secret in (TOKEN, QUOTED):
        assert secret not in task.text + str(error.value)


def test_a_job_gets_the_secrets_that_it_names_where_there_are_such_connections(
    script: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = script('echo "kafka: $LAKEHOUSE_KAFKA."; echo "other: $OTHER."; [[ "$LAKEHOUSE_KAFKA" == k3y= ]]')
    task.operator.secrets = (("LAKEHOUSE_KAFKA", "lakehouse_kafka"), ("OTHER", "nowhere"))
    monkeypatch.setenv(
        "AIRFLOW_CONN_LAKEHOUSE_KAFKA", json.dumps({"conn_type": "generic", "password": "k3y="})
    )
    task.run()
    assert task.lines[1:] == ["kafka: ***.", "other: ."]


def test_exit_1_is_tried_again_and_says_what_the_job_said_last(script: Standing) -> None:
    with pytest.raises(AirflowException, match=r"silver failed \(exit 1\): Spark is not there") as error:
        script("echo working; echo Spark is not there >&2; exit 1").run()
    assert not isinstance(error.value, AirflowFailException)


def test_exit_2_is_not_tried_again(script: Standing) -> None:
    with pytest.raises(
        AirflowFailException, match=r"silver refused its arguments \(exit 2\): night lies ahead"
    ):
        script("echo usage: jobs; echo night lies ahead; exit 2").run()


def test_exit_3_is_not_tried_again(script: Standing) -> None:
    with pytest.raises(AirflowFailException, match=r"did not pass its contract \(exit 3\): 2 expectations"):
        script("echo 2 expectations; exit 3").run()


def test_a_job_killed_from_outside_is_tried_again_and_says_by_what(script: Standing) -> None:
    with pytest.raises(AirflowException, match=r"killed by SIGKILL") as error:
        script("kill -9 $$").run()
    assert not isinstance(error.value, AirflowFailException)


def test_a_job_without_a_word_says_so(script: Standing) -> None:
    with pytest.raises(AirflowException, match=r"exit 1\): no output"):
        script("exit 1").run()


def test_output_that_is_not_utf_8_is_logged_all_the_same(script: Standing) -> None:
    task = script(r"printf 'caf\xe9\n'")
    task.run()
    assert task.lines[-1] == "caf\N{REPLACEMENT CHARACTER}"


def test_a_jobs_python_that_is_not_there_is_said_in_one_line(
    script: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = script("true")
    monkeypatch.setenv("LAKEHOUSE_JOBS_PYTHON", "/nowhere/python")
    with pytest.raises(AirflowFailException, match="LAKEHOUSE_JOBS_PYTHON must be the Python"):
        task.run()


@pytest.mark.parametrize("deaf", ["", "trap '' TERM;"], ids=["obedient", "deaf to SIGTERM"])
def test_killing_the_task_ends_the_job_and_all_that_it_started(
    script: Standing, deaf: str, tmp_path: Path
) -> None:
    task = script(
        f"{deaf} (while :; do sleep 0.1; done) & echo $! > {tmp_path}/child\n"
        f"echo $$ > {tmp_path}/self; wait; sleep 99"
    )
    threading.Timer(1, task.operator.on_kill).start()
    with pytest.raises(AirflowException, match=r"killed by SIG|exit 143"):
        task.run()
    for name in ("self", "child"):
        assert gone(int((tmp_path / name).read_text()))


def test_a_timeout_ends_the_job_and_all_that_it_started(script: Standing, tmp_path: Path) -> None:
    task = script(
        f"trap '' TERM; sleep 99 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/self; wait; wait"
    )
    started = time.monotonic()
    with pytest.raises(BaseException, match="Timeout"), timeout(1):
        task.run()
    assert time.monotonic() - started < 10
    for name in ("self", "child"):
        assert gone(int((tmp_path / name).read_text()))


# A task runner with a job that would go on for a minute, in place of both.
RUNNER = """
import os, sys, time
from platforms import local

job = "import time; from jobs import lifeline; lifeline.hold(); print('at work', flush=True); time.sleep(60)"
process = local._start([sys.executable, "-c", job], {**os.environ, local.ENDS_WITH_STDIN: "1"})
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(60)
"""


def test_a_job_ends_when_its_task_runner_is_killed_without_a_chance_to_end_it() -> None:
    path = f"{local.PROJECT / 'dags'}:{local.PROJECT}"
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    ) as runner:
        assert runner.stdout
        job = int(runner.stdout.readline())
        assert Path(f"/proc/{job}").exists()
        runner.kill()
    assert gone(job)


def test_a_child_left_behind_by_a_job_that_ended_is_killed_too(script: Standing, tmp_path: Path) -> None:
    script(f"sleep 99 >/dev/null 2>&1 & echo $! > {tmp_path}/child").run()
    assert gone(int((tmp_path / "child").read_text()))


def test_the_job_has_a_process_group_of_its_own(script: Standing, tmp_path: Path) -> None:
    script(
        f"ps -o pgid= -p $$ > {tmp_path}/group 2>/dev/null || cut -d' ' -f5 /proc/$$/stat > {tmp_path}/group"
    ).run()
    assert int((tmp_path / "group").read_text()) != os.getpgid(0)


def test_the_page_of_a_task_is_what_its_button_opens() -> None:
    task = local.operator(Job("check_gold", (), page=Page("Validation results", "/data-docs/x.html")), HERE)
    (link,) = task.operator_extra_links
    assert (link.name, link.get_link(task, ti_key=None)) == ("Validation results", "/data-docs/x.html")  # type: ignore[arg-type]
