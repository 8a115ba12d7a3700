"""The DAGs on Databricks: Airflow's scheduler, the deployed wheel, one submitted run a stage.

Databricks is stood in for by tests/support/standin, which executes what is submitted; all else is real. That both
platforms come to the same tables whatever is asked of them is in tests/spark/parity, and what happens when something
goes wrong on the way is in test_faults_on_the_way.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from catalog.tables import STREAMED
from embedded.airflow_api import AirflowApi
from embedded.errors import Failed
from jobs.cli import parser
from jobs.settings import Settings
from tests.support.connect_server import shared
from tests.support.embedded_stack import NIGHT, SCALE, STAGES, Embedded, left_behind, wait_for
from tests.support.kafka import broker as kafka
from tests.support.project import PROJECT, free_port
from tests.support.sides import COMPARED, Digests, digests, verdicts
from tests.support.spark_folder import FEW_ROWS, QUICK
from tests.support.standin.start import Standin, start

LATER = ("2024-03-06", "2024-03-07")
RECEIVED = "live_sensors"
FEW = ["sensor_hourly"]


def workspace(standin: Standin, command: str) -> subprocess.CompletedProcess[str]:
    """`python -m workspace …` as the Makefile calls it."""
    return subprocess.run(
        [PROJECT / ".venv/airflow/bin/python", "-m", "workspace", command, "--target", "dev"],
        check=False,
        cwd=PROJECT,
        env=os.environ | variables(standin),
        capture_output=True,
        text=True,
        timeout=300,
    )


def variables(standin: Standin) -> dict[str, str]:
    """What a user exports."""
    return {
        "LAKEHOUSE_TARGET": "dev",
        "AIRFLOW_CONN_DATABRICKS_DEFAULT": standin.connection("oauth"),
        **standin.environment,
    }


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    """The workspace, with everything deployed as docs/databricks.md says; its Spark is that of other suites, if there is one."""
    if server := shared():
        starting = start(Path(server["LAKEHOUSE_HOME"]), server["SPARK_REMOTE"])
    else:
        options = {"spark_memory": "2g", "spark_java_options": QUICK, "spark_conf": [*FEW_ROWS]}
        starting = start(tmp_path_factory.mktemp("standin"), **options)
    with starting as standin:
        deployed = workspace(standin, "deploy")
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        yield standin


@dataclass
class Remote(Embedded):
    """An Airflow whose nights run on Databricks."""

    first_run_results: Mapping[str, Any] = field(default_factory=dict)
    """What the stages of its first run left in the data docs."""


@pytest.fixture(scope="module")
def remote(standin: Standin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    """An Airflow that has run one night of few tables on Databricks."""
    stack = Remote(tmp_path_factory.mktemp("remote"), free_port(), free_port())
    try:
        first = stack("run", NIGHT=NIGHT, SCALE=SCALE, TABLES=",".join(FEW), **variables(standin))
        assert first.returncode == 0, first.stdout + first.stderr
        stack.first_run = first.stdout
        stack.first_run_results = stack.run_results(stack.first_run_id)
        yield stack
    finally:
        stack("stop", **variables(standin))
    assert left_behind(stack) == []


def lake_of(standin: Standin) -> Path:
    """The volume."""
    return standin.volumes / "main/iot_dev_ops/lake"


def settings(*place: str) -> Settings:
    """Where tables are."""
    return parser.parse(["verify", f"--night={NIGHT}", *place])


def digests_after(run_results: Mapping[str, Any], spark: SparkSession, lake: Settings) -> Digests:
    """The digests of silver and gold as the run left them that has these run_results; others go on with the tables."""
    moment = run_results["report"]["ended_at"]
    there = {name: lake.table(name) for name in COMPARED if spark.catalog.tableExists(lake.table(name))}
    found = {name: as_of(spark, table, moment) for name, table in there.items()}
    return digests({name: rows for name, rows in found.items() if rows is not None})


def as_of(spark: SparkSession, table: str, moment: str) -> DataFrame | None:
    """A table's rows at some moment; None if it is younger."""
    try:
        rows = spark.sql(f"SELECT * FROM {table} TIMESTAMP AS OF '{moment}'")
        assert rows.columns
    except AnalysisException as error:
        if error.getCondition() == "DELTA_TIMESTAMP_GREATER_THAN_COMMIT":
            return spark.table(table)
        if error.getCondition() == "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION":
            return None
        raise
    return rows


@contextmanager
def session(remote: str) -> Iterator[Any]:
    """A session that ends while its server is there: afterwards the client would look for it for minutes."""
    spark = SparkSession.builder.remote(remote).create()
    try:
        yield spark
    finally:
        spark.stop()


def test_the_first_night_has_the_same_digests_on_both(
    embedded: Embedded, remote: Remote, standin: Standin
) -> None:
    token = (embedded.run_dir / "secrets/connect-token").read_text()
    address = f"sc://127.0.0.1:{embedded.connect_port}/;authorization=Bearer%20{token}"
    with session(address) as spark:
        here = digests_after(embedded.run_results(embedded.first_run_id), spark, settings())
    with session(standin.spark_remote()) as spark:
        there = digests_after(
            remote.first_run_results, spark, settings("--catalog=main", "--prefix=iot_dev_")
        )
    tables = {table for table, _ in there}
    assert tables > {f"gold.{name}" for name in FEW}
    assert there == {of: digest for of, digest in here.items() if of[0] in tables}


def test_the_first_night_has_the_same_data_docs_on_both(embedded: Embedded, remote: Remote) -> None:
    here, there = embedded.run_results(embedded.first_run_id), remote.first_run_results
    assert set(there) == set(here) == set(STAGES)
    for stage in STAGES[:-1]:
        found = {verdict[0]: verdict for verdict in verdicts(here[stage])}
        assert verdicts(there[stage]) == [found[table] for table, *_ in verdicts(there[stage])], stage


def test_data_docs_and_report_are_where_airflow_shows_them(remote: Remote) -> None:
    pages = [page for run_result in remote.first_run_results.values() for page in run_result["pages"]]
    assert len(pages) > 10
    assert f"nights/{NIGHT}.html" in pages
    for page in pages:
        assert (remote.home / "data-docs" / page).stat().st_size > 0, page


def runs_of(standin: Standin, run_id: str) -> list[dict[str, Any]]:
    """The runs that a run of a DAG submitted, each with what its one task adds; the oldest first."""
    found = []
    for run in standin.runs():
        (task,) = run["attempts"]
        if f"--run-id={run_id}" in task["parameters"]:
            found.append({**task, **run})
    return found


def test_every_stage_is_one_run_with_the_wheel_and_the_argument_list(
    standin: Standin, remote: Remote
) -> None:
    (run_id,) = {run_result["run_id"] for run_result in remote.first_run_results.values()}
    runs = runs_of(standin, run_id)[: len(STAGES)]
    assert [run["task_key"] for run in runs] == STAGES
    assert {run["state"]["result_state"] for run in runs} == {"SUCCESS"}
    assert len({run["token"] for run in runs}) == len(STAGES)
    for task in runs:
        assert task["parameters"][0] == task["task_key"].split("_")[0]
        assert f"--night={NIGHT}" in task["parameters"]
        assert "--home=/Volumes/main/iot_dev_ops/lake" in task["parameters"]
        assert "" not in task["parameters"]


def dag(stack: Embedded, name: str, run_id: str, **form: object) -> str:
    """Run a DAG with these values in its form; the state in which it ends."""
    api, path = stack.api(), f"/dags/{name}/dagRuns"
    api.patch(f"/dags/{name}", {"is_paused": False})
    api.post(path, {"dag_run_id": run_id, "logical_date": None, "conf": form})
    wait_for(lambda: api.get(f"{path}/{run_id}")["state"] in {"success", "failed"})
    # On its schedule it would do its work for yesterday meanwhile.
    api.patch(f"/dags/{name}", {"is_paused": True})
    return str(api.get(f"{path}/{run_id}")["state"])


def test_a_check_that_fails_is_tried_once_leaves_gold_as_it_was_and_its_page_is_brought_here(
    standin: Standin, remote: Remote
) -> None:
    """As somebody sees it who clears the check, and all that follows it, after the devices were spoilt."""
    api, path = remote.api(), f"/dags/iot_nightly/dagRuns/{remote.first_run_id}"
    (run_id,) = {run_result["run_id"] for run_result in remote.first_run_results.values()}
    before = len(runs_of(standin, run_id))
    lake = settings("--catalog=main", "--prefix=iot_dev_")
    devices, gold = lake.table("silver.devices"), lake.table(f"gold.{FEW[0]}")
    clear = {"dag_run_id": remote.first_run_id, "task_ids": ["check_silver"], "include_downstream": True}
    with session(standin.spark_remote()) as spark:

        def version(table: str) -> int:
            return int(spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1").first().version)

        devices_before, gold_before = version(devices), version(gold)
        spark.sql(f"UPDATE {devices} SET status = 'Broken' WHERE device_id % 10 = 0")
        api.post(
            "/dags/iot_nightly/clearTaskInstances",
            {**clear, "dry_run": False, "only_failed": False, "reset_dag_runs": True},
        )
        wait_for(lambda: api.get(f"{path}/taskInstances/publish")["state"] == "upstream_failed")
        assert api.get(f"{path}/taskInstances/check_silver")["state"] == "failed"
        assert version(gold) == gold_before and not spark.table(gold).isEmpty()
        spark.sql(f"RESTORE TABLE {devices} TO VERSION AS OF {devices_before}")
    run_result = remote.run_results(remote.first_run_id)["check_silver"]
    assert run_result["exit"] == 3 and "unknown status" in run_result["message"]
    (page,) = (page for page in run_result["pages"] if page.startswith("runs/"))
    assert "unknown status" in (remote.home / "data-docs" / page).read_text()
    tried = runs_of(standin, run_id)[before:]
    assert [(run["task_key"], run["state"]["result_state"]) for run in tried] == [("check_silver", "FAILED")]


def test_all_tables_are_maintained_once_and_no_number_changes(remote: Remote, standin: Standin) -> None:
    lake = settings("--catalog=main", "--prefix=iot_dev_")
    with session(standin.spark_remote()) as spark:
        names = [name for name in COMPARED if spark.catalog.tableExists(lake.table(name))]
        before = digests({name: spark.table(lake.table(name)) for name in names})
        assert dag(remote, "iot_maintenance", "by-hand") == "success"
        assert digests({name: spark.table(lake.table(name)) for name in names}) == before
    (run_result,) = remote.run_results("by-hand").values()
    maintained = {table["table"]: table["detail"] for table in run_result["tables"]}
    assert {*names} <= {*maintained}
    assert maintained["silver.readings"]["zordered_by"] == ["device_id"]


def backfill_of(api: AirflowApi, asked: dict[str, Any]) -> int:
    """Create a backfill. Airflow refuses it while its scheduler writes to SQLite, and a person would ask again."""
    ends = time.monotonic() + 120
    while True:
        try:
            return int(api.post("/backfills", asked)["id"])
        except Failed as refused:
            if "Database is locked" not in str(refused) or time.monotonic() > ends:
                raise
            time.sleep(1)


def test_a_backfill_backwards_begins_with_the_latest_night(standin: Standin, remote: Remote) -> None:
    """What the nights come to is no matter here, so a seed that is not the lake's ends each with its first stage."""
    api = remote.api()
    asked = {
        "dag_id": "iot_nightly",
        "from_date": f"{LATER[0]}T00:00:00Z",
        "to_date": f"{LATER[-1]}T23:59:59Z",
        "run_backwards": True,
        "dag_run_conf": {"scale": float(SCALE), "seed": 7},
    }
    backfill = backfill_of(api, asked)
    wait_for(lambda: api.get(f"/backfills/{backfill}")["completed_at"] is not None)
    runs = api.get("/dags/iot_nightly/dagRuns?run_type=backfill&order_by=start_date")["dag_runs"]
    assert [run["logical_date"][:10] for run in runs] == [*reversed(LATER)]
    tasks = [run["attempts"][0] for run in standin.runs()]
    submitted = sorted(task["parameters"] for task in tasks if "--seed=7" in task["parameters"])
    for night, argv in zip(LATER, submitted, strict=True):
        assert f"--night={night}" in argv
    for run in runs:
        assert "a lake has one seed" in remote.run_results(run["dag_run_id"])["generate"]["message"]


PUT_SECRET = """
import sys
from databricks.sdk import WorkspaceClient
secrets = WorkspaceClient().secrets
secrets.create_scope("lakehouse")
secrets.put_secret("lakehouse", "kafka", string_value=sys.stdin.read())
"""


def test_a_stream_sent_from_here_is_received_on_databricks_each_with_its_own_secret(
    embedded: Embedded, remote: Remote, standin: Standin, tmp_path: Path
) -> None:
    with kafka.running(tmp_path) as broker:
        connection = {"connection_id": "lakehouse_kafka", "conn_type": "generic"}
        embedded.api().post("/connections", {**connection, "password": broker.connection_string})
        form = {"night": NIGHT, "rows_per_second": 2, "seconds": 60, "sink": "kafka"}
        assert dag(embedded, "iot_stream", "to-kafka", **form) == "success"
        assert {*embedded.run_results("to-kafka")} == {f"stream_{source}" for source in STREAMED}
        subprocess.run(
            [PROJECT / ".venv/airflow/bin/python", "-c", PUT_SECRET],
            check=True,
            env=os.environ | standin.sdk_environment | standin.environment,
            input=broker.connection_string,
            text=True,
        )
        assert dag(remote, "iot_receive", "from-kafka", source=RECEIVED) == "success"
        assert_untold([broker.connection_string, *standin.issued_tokens()], remote, standin)
    files = lake_of(standin).glob(f"landing/{RECEIVED}/*-received-*")
    lines = [line for file in files for line in file.read_text().splitlines()]
    assert len(set(lines)) == len(lines) == 120


def test_no_secret_shows_in_logs_fields_or_argument_lists(remote: Remote, standin: Standin) -> None:
    logs = [*remote.run_dir.rglob("airflow/logs/**/*.log")]
    assert {f"task_id={stage}" for stage in STAGES} <= {log.parent.name for log in logs}
    assert_untold([standin.token, standin.facts["client_secret"], *standin.issued_tokens()], remote, standin)


def assert_untold(secrets: Collection[str], remote: Remote, standin: Standin) -> None:
    """Look for secrets wherever somebody could read them."""
    assert all(secrets) and len(secrets) > 1
    logs = [*remote.run_dir.glob("logs/*"), *remote.run_dir.rglob("airflow/logs/**/*.log")]
    assert len(logs) > len(STAGES) + 4
    texts = {str(log): log.read_text(errors="replace") for log in logs}
    api = remote.api()
    for run in api.get("/dags/~/dagRuns")["dag_runs"]:
        path = f"/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances"
        texts |= {run["dag_run_id"]: json.dumps(api.get(path))}
    texts |= {"submissions": json.dumps([request["body"] for request in standin.requests("/runs/submit")])}
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            texts[str(process)] = process.read_text(errors="replace")
    for where, text in texts.items():
        assert not any(secret in text for secret in secrets), where
