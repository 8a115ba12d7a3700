"""Sessions of jobs: in UTC and strict; one that is done leaves none behind on the server, and can be run again."""

import os

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs import compiling, session
from jobs.delta.lake import Lake
from jobs.main import main


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


def test_a_jobs_session_is_in_utc_and_refuses_casts_that_lose_something(spark, lake):
    own = session.connect(lake("verify", run_id="zone"))
    assert own.sql("SELECT cast(timestamp_seconds(86399) AS STRING)").first()[0] == "1970-01-01 23:59:59"
    with pytest.raises(PySparkException, match="CAST_INVALID_INPUT"):
        own.sql("SELECT cast('one' AS INT)").collect()


@pytest.mark.parametrize("are_few", [True, False])
def test_a_session_interprets_queries_of_few_rows_and_does_as_before_afterwards(spark, lake, are_few):
    own = session.connect(lake("bronze", run_id="few"))
    own.conf.set("spark.sql.codegen.wholeStage", "true")
    own.conf.set("spark.sql.shuffle.partitions", "7")
    before = {name: own.conf.get(name, None) for name in compiling.FOR_FEW_ROWS}
    with compiling.interpreted(Lake(own, lake("bronze")), are_few=are_few):
        meanwhile = {name: own.conf.get(name, None) for name in before}
    assert meanwhile == (compiling.FOR_FEW_ROWS if are_few else before)
    assert {name: own.conf.get(name, None) for name in before} == before
