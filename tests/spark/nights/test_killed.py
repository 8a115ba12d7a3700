"""Jobs as processes: what their exit status says, and that a killed one leaves nothing that a retry cannot mend."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from pyspark.sql import functions as F

from catalog.tables import TABLES as TABLES_OF_LAKE
from jobs.delta.lake import Lake
from jobs.main import main
from jobs.maintenance.versions import versions
from jobs.state import staged_slices
from tests.conftest import new_lake
from tests.support.copied import folder_of
from tests.support.nights import D5, Digests, bring, digests
from tests.support.project import PROJECT, free_port

TABLES = frozenset({"devices", "device_changes", "events", "device_health", "site_events"})
MADE = ("silver.device_registry", "silver.device_changes", "silver.devices_history", "silver.devices")
MADE += ("silver.events", "gold.device_health", "gold.site_events")
# Stage -> the tables that it is killed after writing to, or staging.
KILLS = {
    "bronze": ("bronze.device_changes",),
    "silver": ("silver.device_changes", "silver.events", "ops.quarantine"),
    "gold": ("staging.device_health",),
    "publish": ("gold.device_health", "ops.digests"),
}


def command(settings) -> list[str]:
    argv = [f"--night={settings.night}", f"--run-id={settings.run_id}", f"--home={settings.home}"]
    argv += [f"--prefix={settings.prefix}", "--tables=device_health,site_events"]
    argv += [f"--scale={settings.options.scale}"] if settings.stage == "generate" else []
    argv += [f"--layer={settings.options.layer}"] if settings.stage == "check" else []
    return [sys.executable, "-m", "jobs", settings.stage, *argv]


def run(settings, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(settings), cwd=PROJECT, env={**os.environ, **environment}, capture_output=True, text=True
    )


@pytest.fixture
def here(capfd) -> Callable[[object], tuple[int, str]]:
    """Run a job in this process: exit status and what it said on stderr."""

    def job(settings) -> tuple[int, str]:
        capfd.readouterr()
        code = main(command(settings)[3:])
        return code, capfd.readouterr().err

    return job


def killed_after_it_wrote(settings, table: str, lake) -> bool:
    """Start the job, kill it as soon as it has committed rows to the table; whether it was still at work then."""
    layer, _, name = table.partition(".")

    def written() -> int:
        if layer == "staging":
            return len(list((settings.home / layer).glob(f"*/{name}/_written.json")))
        return len(list((folder_of(lake, table) / "_delta_log").glob("*.json")))

    # The first commit only creates the table, but for gold, which is created with its rows.
    wanted = max(1 if layer in ("gold", "staging") else 2, written() + 1)
    job = subprocess.Popen(command(settings), cwd=PROJECT, start_new_session=True, stdout=subprocess.DEVNULL)
    while job.poll() is None and written() < wanted:
        time.sleep(0.02)
    was_at_work = job.poll() is None
    with suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    return was_at_work


@dataclass(frozen=True)
class Disturbed:
    """A night whose jobs were killed, each again and again, and then retried."""

    lake: Callable[..., object]
    were_at_work: dict[str, bool]  # table -> whether the job was, when it was killed after writing there
    retries: dict[str, subprocess.CompletedProcess[str]]
    digests: Digests


@pytest.fixture(scope="module")
def disturbed(spark, nights, tmp_path_factory) -> Iterator[Disturbed]:
    were_at_work, retries = {}, {}
    with new_lake(spark, tmp_path_factory.mktemp("killed")) as lake:
        bring(nights, lake, D5, TABLES)
        for stage, tables in KILLS.items():
            settings = lake(stage, tables=TABLES)
            for table in tables:
                were_at_work[table] = killed_after_it_wrote(settings, table, lake)
            retries[stage] = run(settings)
        yield Disturbed(lake, were_at_work, retries, digests(spark, lake))


def test_jobs_that_are_killed_and_retried_leave_the_numbers_of_an_undisturbed_night(spark, nights, disturbed):
    assert disturbed.were_at_work == {table: True for tables in KILLS.values() for table in tables}
    ended = {stage: (done.returncode, done.stderr) for stage, done in disturbed.retries.items()}
    assert ended == dict.fromkeys(KILLS, (0, ""))
    undisturbed = {slice_: found for slice_, found in nights.first.items() if slice_[0] in MADE}
    assert {table for table, _ in undisturbed} == set(MADE)
    assert disturbed.digests == undisturbed
    accounts = spark.table(disturbed.lake("verify").table("ops.row_accounts")).collect()
    assert {row.source for row in accounts} == {"devices", "device_changes", "events"}
    assert all(row.is_balanced for row in accounts)


def test_every_commit_of_a_job_says_which_run_made_it(spark, disturbed):
    job = disturbed.lake("silver")
    found = {
        name: versions(Lake(spark, job), TABLES_OF_LAKE[name]) for name in MADE if name.startswith("silver.")
    }
    assert {version.operation for each in found.values() for version in each} >= {"MERGE", "CREATE TABLE"}
    assert {
        (version.run_id, version.stage, version.night) for each in found.values() for version in each
    } == {(job.run_id, "silver", str(D5))}
    of_gold = {
        (version.operation, version.run_id, version.stage, version.night)
        for name in MADE
        if name.startswith("gold.")
        for version in versions(Lake(spark, job), TABLES_OF_LAKE[name])
    }
    assert {tuple(said) for _, *said in of_gold} == {(job.run_id, "publish", str(D5))}
    assert "CREATE TABLE AS SELECT" in {operation for operation, *_ in of_gold}


def test_a_stage_that_is_done_can_be_run_again_under_the_same_run_id(disturbed, here):
    again = disturbed.lake("generate", tables=TABLES)
    assert [here(again) for _ in range(2)] == [(0, ""), (0, "")]


def test_data_that_does_not_pass_its_contract_exits_with_3_and_leaves_gold_alone(spark, disturbed, here):
    settings = disturbed.lake("check", layer="gold", tables=TABLES)
    gold = settings.table("gold.site_events")
    version = spark.sql(f"DESCRIBE HISTORY {gold} LIMIT 1").first().version
    staged, table = staged_slices.staged(Lake(spark, settings)), TABLES_OF_LAKE["gold.site_events"]
    rows = staged.rows(table)
    wrong = spark.createDataFrame(rows.toArrow(), rows.schema).withColumn(
        "critical_count", F.lit(-1).cast("bigint")
    )
    staged.staging.write(table, wrong)
    code, said = here(settings)
    assert code == 3
    assert "site_events" in said and said.count("\n") <= 3
    page = settings.run_folder / "check_gold.html"
    assert "more critical events than events" in page.read_text()
    assert spark.sql(f"DESCRIBE HISTORY {gold} LIMIT 1").first().version == version


def test_a_server_that_is_down_is_said_in_one_line_with_status_1(lake):
    done = run(lake("gold"), SPARK_REMOTE=f"sc://localhost:{free_port()}/;authorization=Bearer%20x")
    assert done.returncode == 1
    assert "cannot reach the Spark Connect server" in done.stderr and done.stderr.count("\n") == 1


def test_a_wrong_token_is_said_in_one_line_and_not_repeated(lake, connect_server):
    remote = connect_server["SPARK_REMOTE"].split(";authorization")[0] + ";authorization=Bearer%20wrong-token"
    done = run(lake("gold"), SPARK_REMOTE=remote)
    assert done.returncode == 1
    assert "refused the token" in done.stderr and "wrong-token" not in done.stdout + done.stderr


def test_parameters_that_differ_from_what_has_landed_exit_with_2(disturbed, here):
    code, said = here(disturbed.lake("generate", scale=0.5))
    assert code == 2 and "scale 0.01, not 0.5" in said


def test_a_damaged_file_is_said_in_one_line_with_what_is_wrong_with_it(disturbed, here):
    settings = disturbed.lake("verify", tables=TABLES)
    for file in folder_of(disturbed.lake, "gold.site_events").rglob("*.parquet"):
        file.write_bytes(b"no longer what it was")
        (file.parent / f".{file.name}.crc").unlink(missing_ok=True)
    code, said = here(settings)
    assert code == 1
    assert "is not a Parquet file" in said and said.count("\n") == 1
