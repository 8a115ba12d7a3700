"""Jobs as processes: what their exit status says, and that a killed one leaves nothing that a retry cannot mend."""

import importlib
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import new_lake
from tests.support.project import PROJECT, free_port

TABLES = frozenset({"devices", "device_changes", "events", "device_health", "site_events"})
STAGES = ("generate", "bronze", "silver", "gold", "publish")


def command(settings) -> list[str]:
    argv = [f"--night={settings.night}", f"--run-id={settings.run_id}", f"--home={settings.home}"]
    argv += [f"--prefix={settings.prefix}", "--tables=device_health,site_events"]
    argv += [f"--scale={settings.scale}"] if settings.stage == "generate" else []
    argv += [f"--layer={settings.layer}"] if settings.layer else []
    return [sys.executable, "-m", "jobs", settings.stage, *argv]


def run(settings, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(settings), cwd=PROJECT, env={**os.environ, **environment}, capture_output=True, text=True
    )


def digests(spark, lake) -> dict:
    rows = spark.table(lake("verify").table("ops.digests")).collect()
    return {(row.table, row.night): (row.rows, row.digest) for row in rows}


@pytest.fixture(scope="module")
def undisturbed(spark, module_lake):
    """The digests of a night during which nothing happened."""
    for stage in STAGES:
        importlib.import_module(f"jobs.{stage}").run(spark, module_lake(stage, tables=TABLES))
    return digests(spark, module_lake)


def killed_after_it_wrote(settings, table: str, warehouse: Path) -> bool:
    """Start the job, kill it as soon as it has committed rows to the table; whether it was still at work then."""
    _, schema, name = settings.table(table).replace("`", "").split(".")
    log = warehouse / f"{schema}.db" / name / "_delta_log"
    # The first commit only creates the table.
    wanted = max(2, len(list(log.glob("*.json"))) + 1)
    job = subprocess.Popen(command(settings), cwd=PROJECT, start_new_session=True, stdout=subprocess.DEVNULL)
    while job.poll() is None and len(list(log.glob("*.json"))) < wanted:
        time.sleep(0.02)
    was_at_work = job.poll() is None
    with suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    return was_at_work


def test_jobs_that_are_killed_and_retried_leave_the_numbers_of_an_undisturbed_night(
    spark, undisturbed, connect_server, tmp_path: Path
):
    kills = {
        "silver": ("silver.device_changes", "silver.events", "ops.quarantine"),
        "publish": ("gold.device_health", "ops.digests"),
    }
    with new_lake(spark, tmp_path) as lake:
        for name in STAGES:
            settings = lake(name, tables=TABLES)
            for table in kills.get(name, ()):
                assert killed_after_it_wrote(
                    settings, table, Path(connect_server["LAKEHOUSE_HOME"]) / "warehouse"
                )
            done = run(settings)
            assert done.returncode == 0, done.stderr
        assert digests(spark, lake) == undisturbed
        assert all(row.is_balanced for row in spark.table(lake("verify").table("ops.row_accounts")).collect())


def test_a_stage_that_is_done_can_be_run_again_under_the_same_run_id(undisturbed, module_lake):
    again = [run(module_lake("silver", tables=TABLES)) for _ in range(2)]
    assert [(done.returncode, done.stderr) for done in again] == [(0, ""), (0, "")]


def test_data_that_does_not_pass_its_contract_exits_with_3_and_leaves_gold_alone(
    spark, undisturbed, module_lake
):
    gold = module_lake("verify").table("gold.site_events")
    version = spark.sql(f"DESCRIBE HISTORY {gold} LIMIT 1").first().version
    spark.sql(f"UPDATE {module_lake('check').table('staging.gold_site_events')} SET critical_count = -1")
    done = run(module_lake("check", layer="gold", tables=TABLES))
    assert done.returncode == 3
    assert "site_events" in done.stderr and done.stderr.count("\n") <= 3
    page = module_lake("check").run_folder / "check_gold.html"
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


def test_parameters_that_differ_from_what_has_landed_exit_with_2(spark, undisturbed, module_lake):
    done = run(module_lake("generate", scale=0.5))
    assert done.returncode == 2 and "scale 0.01, not 0.5" in done.stderr


def test_a_damaged_file_is_said_in_one_line_with_what_is_wrong_with_it(
    undisturbed, module_lake, connect_server
):
    settings = module_lake("verify", tables=TABLES)
    _, schema, name = settings.table("gold.site_events").replace("`", "").split(".")
    table = Path(connect_server["LAKEHOUSE_HOME"]) / "warehouse" / f"{schema}.db" / name
    for file in table.rglob("*.parquet"):
        file.write_bytes(b"no longer what it was")
        (file.parent / f".{file.name}.crc").unlink(missing_ok=True)
    done = run(settings)
    assert done.returncode == 1
    assert "is not a Parquet file" in done.stderr and done.stderr.count("\n") == 1
