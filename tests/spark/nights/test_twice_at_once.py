"""A stage that two jobs run at the same time: one of them may have to be tried again, and no number differs."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import chain
from threading import Barrier

import pytest
from pyspark.errors import PySparkException

from jobs.delta.lake import Lake
from jobs.outcome import in_words
from jobs.runner import stage
from tests.support.nights import digests

LINES = "sensor_id,timestamp,temperature,humidity,location\n" + "".join(
    f"{sensor},2024-03-05 08:{minute:02}:00,70.5,{40 + minute % 3},Room_A\n"
    for minute in range(10)
    for sensor in (1001, 1002, 1002)
)
TABLES = frozenset({"sensor_logs", "climate_hourly"})
WRITES = ("silver", "gold", "publish")
COLLISION = re.compile(r"DELTA_CONCURRENT_|DELTA_PROTOCOL_CHANGED|DELTA_METADATA_CHANGED")


@pytest.fixture
def both(spark, lake):
    """Run a stage in two threads that begin together, and until each has succeeded; what they said that failed."""
    together = Barrier(2)

    def attempt(name: str) -> list[str]:
        said = []
        together.wait()
        while True:
            try:
                stage(name)(Lake(spark, lake(name, tables=TABLES)))
            except PySparkException as error:
                said.append(in_words(error))
                assert len(said) < 5, said
            else:
                return said

    def run(name: str) -> list[str]:
        with ThreadPoolExecutor(2) as pool:
            return [*chain.from_iterable(pool.map(attempt, [name] * 2))]

    return run


def test_stages_that_run_twice_at_once_come_to_what_they_come_to_alone(
    spark, lake, run, both, deliver, accounts
):
    deliver("sensor_logs", "mine.csv", LINES, date(2024, 3, 5))
    run("bronze", tables=TABLES)
    refused = [said for name in WRITES for said in both(name)]
    assert all(COLLISION.search(said) for said in refused), "\n".join(refused)
    (account,) = accounts("sensor_logs").values()
    assert (account["landed"], account["silver"], account["duplicates"]) == (30, 20, 10)
    assert account["is_balanced"] and account["is_published"]
    found = digests(spark, lake)
    assert {table for table, _ in found} == {"silver.sensor_logs", "gold.climate_hourly"}
    verified = stage("verify")(Lake(spark, lake("verify", tables=TABLES)))
    assert verified and all(result.detail["holds"] for result in verified)
