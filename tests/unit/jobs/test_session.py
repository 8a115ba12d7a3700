"""A job without a Spark to work on."""

import os
import subprocess
import sys

import pytest

from tests.support.project import PROJECT


@pytest.mark.parametrize(
    ("remote", "says"),
    [
        ("", "SPARK_REMOTE is not set, so there is no Spark to work on; `python3 -m embedded job …` sets it"),
        ("sc://[localhost", "cannot reach the Spark Connect server at sc://[localhost"),
        ("sc://localhost:x", "cannot reach the Spark Connect server at sc://localhost:x"),
    ],
)
def test_a_job_that_has_no_spark_to_work_on_says_so_in_one_line_and_starts_none(tmp_path, remote, says):
    environment = {**os.environ, "SPARK_REMOTE": remote, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "jobs", "gold", "--night=2024-03-05", "--home=lake"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and says in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["lake"], "no warehouse of its own"
