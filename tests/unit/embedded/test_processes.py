"""The embedded stack stops what it started, all of it and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import processes
from embedded.processes import Processes, started_at
from tests.support.project import PROJECT


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    """An empty stack, stopped at the end whatever happens; a process gets a second to end by itself."""
    monkeypatch.setattr(processes, "STOP_SECONDS", 1.0)
    stack = Processes(tmp_path)
    yield stack
    stack.stop(first="scheduler")


def start(stack: Processes, name: str, script: str) -> None:
    stack.start(name, ["bash", "-c", script], {"PATH": "/usr/bin:/bin"}, stack.run_dir / f"{name}.log")


def pid_in(file: Path) -> int:
    """The pid that a script wrote there."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if file.exists() and file.read_text().strip():
            return int(file.read_text())
        time.sleep(0.05)
    raise AssertionError(f"{file} was not written")


def test_a_started_process_runs_until_it_is_stopped(stack: Processes) -> None:
    start(stack, "spark", "sleep 99")
    assert stack.runs("spark")
    assert stack.stop(first="scheduler") == ["spark"]
    assert not stack.runs("spark")


def test_stopping_twice_is_fine(stack: Processes) -> None:
    start(stack, "spark", "sleep 99")
    stack.stop(first="scheduler")
    assert stack.stop(first="scheduler") == []


def test_one_that_is_deaf_to_sigterm_is_killed_with_its_children(stack: Processes) -> None:
    start(stack, "spark", f"trap '' TERM; sleep 99 & echo $! > {stack.run_dir}/child; wait; wait")
    child = pid_in(stack.run_dir / "child")
    stack.stop(first="scheduler")
    assert not started_at(child)


def test_a_child_whose_parent_was_killed_is_stopped_too(stack: Processes) -> None:
    start(
        stack,
        "scheduler",
        f"sleep 99 & echo $! > {stack.run_dir}/child; echo $$ > {stack.run_dir}/self; wait",
    )
    child = pid_in(stack.run_dir / "child")
    subprocess.run(["bash", "-c", f"kill -9 {pid_in(stack.run_dir / 'self')}"], check=True)
    while stack.runs("scheduler"):
        time.sleep(0.05)
    assert started_at(child)
    assert stack.stop(first="scheduler") == []
    assert not started_at(child)


def test_starting_anew_what_was_killed_ends_what_it_left_behind(stack: Processes) -> None:
    script = f"sleep 99 & echo $! > {stack.run_dir}/child; echo $$ > {stack.run_dir}/self; wait"
    start(stack, "scheduler", script)
    child = pid_in(stack.run_dir / "child")
    subprocess.run(["bash", "-c", f"kill -9 {pid_in(stack.run_dir / 'self')}"], check=True)
    while stack.runs("scheduler"):
        time.sleep(0.05)
    start(stack, "scheduler", "sleep 99")
    assert not started_at(child)
    assert stack.runs("scheduler")


def test_a_job_in_a_session_of_its_own_is_stopped_too(stack: Processes) -> None:
    start(stack, "scheduler", f"setsid bash -c 'echo $$ > {stack.run_dir}/job; exec sleep 99'")
    job = pid_in(stack.run_dir / "job")
    stack.stop(first="scheduler")
    assert not started_at(job)


def test_a_process_that_merely_has_the_pid_of_an_old_one_is_left_alone(stack: Processes) -> None:
    with subprocess.Popen(["sleep", "99"], start_new_session=True) as stranger:
        stack.pids.mkdir(parents=True)
        (stack.pids / "spark.json").write_text(json.dumps({"pid": stranger.pid, "started": "1"}))
        assert not stack.runs("spark")
        assert stack.stop(first="scheduler") == []
        assert stranger.poll() is None
        stranger.kill()


def test_what_runs_under_an_old_pid_since_the_machine_was_started_again_is_left_alone(
    stack: Processes,
) -> None:
    with subprocess.Popen(
        ["bash", "-c", "sleep 99 & echo $!"], start_new_session=True, stdout=subprocess.PIPE, text=True
    ) as leader:
        assert leader.stdout
        child = int(leader.stdout.readline())
        leader.wait()
        stack.pids.mkdir(parents=True)
        known = {"pid": leader.pid, "started": "1", "boot": "of last week"}
        (stack.pids / "spark.json").write_text(json.dumps(known))
        assert stack.stop(first="scheduler") == []
        assert started_at(child)
        os.kill(child, signal.SIGKILL)


def test_who_starts_or_stops_a_stack_waits_for_another_who_does(stack: Processes) -> None:
    code = (
        "import pathlib, sys; from embedded.processes import Processes\n"
        "with Processes(pathlib.Path(sys.argv[1])).alone(): pass"
    )
    with stack.alone():
        other = subprocess.Popen([sys.executable, "-c", code, stack.run_dir], cwd=PROJECT)
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(2)
    assert other.wait(20) == 0


def test_a_record_that_was_cut_short_is_no_process(stack: Processes) -> None:
    stack.pids.mkdir(parents=True)
    (stack.pids / "spark.json").write_text('{"pid": 1')
    assert not stack.runs("spark")
    assert stack.stop(first="scheduler") == []
