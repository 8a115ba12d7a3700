"""Sessions of jobs: one that is done leaves none behind on the server, and can be run again."""

import os
import subprocess
import sys

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs import session
from jobs.main import main
from tests.conftest import ROOT


def test_a_job_that_is_done_leaves_no_session_behind_and_can_be_run_again_under_its_id(spark, lake):
    settings = lake("stream")
    argv = ["stream", "--source=transactions", "--for=1s", "--sink=json", "--run-id=again"]
    argv += [f"--home={settings.home}", f"--prefix={settings.prefix}"]
    assert main(argv) == 0
    (first, *_) = session._session_ids(lake("stream_transactions", run_id="again"))
    left = SparkSession.builder.remote(f"{os.environ['SPARK_REMOTE']};session_id={first}").create()
    with pytest.raises(PySparkException, match="SESSION_CLOSED"):
        left.sql("SELECT 1").collect()
    session._opened.append(left)
    session.close()
    assert all(each.is_stopped for each in session._opened)
    assert main(argv) == 0
    assert spark.range(3).count() == 3


@pytest.mark.parametrize(
    ("remote", "says"),
    [
        ("", "SPARK_REMOTE is not set, so there is no Spark to work on; `python3 -m embedded job …` sets it"),
        ("sc://[localhost", "cannot reach the Spark Connect server at sc://[localhost"),
        ("sc://localhost:x", "cannot reach the Spark Connect server at sc://localhost:x"),
    ],
)
def test_a_job_that_has_no_spark_to_work_on_says_so_in_one_line_and_starts_none(tmp_path, remote, says):
    environment = {**os.environ, "SPARK_REMOTE": remote, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "jobs", "gold", "--night=2024-03-05", "--home=lake"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and says in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["lake"], "no warehouse of its own"
