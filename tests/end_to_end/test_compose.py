"""The container stack from build to gold: once built, it starts and runs a night with the network cut."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from catalog.tables import OPTIONAL, SOURCES
from tests.support.compose_stack import Stack
from tests.support.project import PROJECT
from tests.support.spark_folder import QUICK

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_RUNNING = (
    "postgres",
    "spark",
    "airflow-apiserver",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "airflow-cleanup",
)
JOBS_PYTHON = ("/opt/venvs/jobs/bin/python", "-c")
NIGHT = "2024-03-05"
GIGABYTE = 2**30
MEMORY_LIMIT = 6 * GIGABYTE
START_SECONDS, NIGHT_SECONDS = 600, 1800

# Of each kind of feed; what else there is runs in no other way.
TABLES = ["climate_hourly", "sensor_hourly", "iot_events"]

SIMULATED = sorted(SOURCES.keys() - {"sensor_logs"} - set(OPTIONAL))

# Without address translation nothing finds its way back into the one network that leads outside; the UI's
# port still answers on this machine.
OVERRIDE = f"""
networks:
  outside:
    driver_opts: {{com.docker.network.bridge.enable_ip_masquerade: "false"}}
services:
  spark:
    environment: {{JDK_JAVA_OPTIONS: "{QUICK}"}}
"""
COUNT_GOLD = """
import json, pathlib
from pyspark.sql import SparkSession
token = pathlib.Path("/secrets/spark/token").read_text()
spark = SparkSession.builder.remote(f"sc://spark:15002/;authorization=Bearer%20{token}").create()
tables = [row.tableName for row in spark.sql("SHOW TABLES IN gold").collect()]
print(json.dumps({table: spark.table(f"gold.{table}").count() for table in tables}))
"""
CONNECT = """
import sys
from pyspark.sql import SparkSession
print(SparkSession.builder.remote(sys.stdin.read().strip()).create().range(3).count())
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    engine = ["docker", "info"]
    if not shutil.which("docker") or subprocess.run(engine, capture_output=True, check=False).returncode:
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse("docker is not there or its engine does not run")
    override = tmp_path_factory.mktemp("compose") / "override.yml"
    override.write_text(OVERRIDE)
    stack = Stack(override)
    stack.compose("build")
    try:
        stack.compose("up", "--detach", "--wait", "--wait-timeout", str(START_SECONDS))
        yield stack
    except AssertionError:
        print(stack.compose("ps", "-a"), stack.compose("logs", "--tail", "30"))
        raise
    finally:
        stack.compose("down", "--volumes", "--timeout", "5", check=False)


@dataclass
class Night:
    """A night that ran in the stack."""

    run_id: str
    state: str
    peak_memory: float
    published: dict[str, int]
    failures: str
    begun_before: set[str]
    """Other runs that the DAG had when it was switched on."""


def of_readme(start: str) -> str:
    """The README's line that begins so."""
    (line,) = re.findall(rf"^{start}.*$", (PROJECT / "README.md").read_text(), re.MULTILINE)
    return str(line)


@pytest.fixture(scope="module")
def night(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Trigger it as a user of the REST API does, wait for its end, and keep what it said.

    A file of somebody's own has been put into the landing zone before, as the README says; the others are simulated.
    """
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.csv").write_text(
        "sensor_id,timestamp,temperature,humidity,location\n1001,2025-05-01 00:00:00,72.4,41.2,Room_A\n"
    )
    stack.typed(of_readme("docker compose exec -T airflow-scheduler sh"), folder)
    dag = stack.api("GET", "/dags/iot_nightly")
    assert dag["is_paused"]
    # Just after 01:00 the night that is over is due, and would run beside this one: then this takes its place.
    now = datetime.now(UTC)
    is_due = datetime.fromisoformat(dag["next_dagrun_run_after"]) <= now
    form = {"night": NIGHT, "scale": 0.01, "tables": TABLES, "simulate": ",".join(SIMULATED)}
    order = {"logical_date": dag["next_dagrun_logical_date"] if is_due else None, "conf": form}
    run_id = stack.api("POST", "/dags/iot_nightly/dagRuns", order)["dag_run_id"]
    stack.api("PATCH", "/dags/iot_nightly", {"is_paused": False})
    deadline, peak, state = time.monotonic() + NIGHT_SECONDS, 0.0, "queued"
    while state in {"queued", "running"} and time.monotonic() < deadline:
        peak = max(peak, stack.memory())
        time.sleep(5)
        state = stack.api("GET", f"/dags/iot_nightly/dagRuns/{run_id}")["state"]
    tasks = stack.api("GET", f"/dags/iot_nightly/dagRuns/{run_id}/taskInstances")["task_instances"]
    unwell = [task for task in tasks if task["state"] not in {"success", None}]
    failures = "".join(last_words(stack, run_id, task) for task in unwell)
    published = rows_published(stack, run_id) if state == "success" else {}
    runs = stack.api("GET", "/dags/iot_nightly/dagRuns")["dag_runs"]
    begun = {each["dag_run_id"] for each in runs if datetime.fromisoformat(each["run_after"]) <= now}
    begun.discard(run_id)
    return Night(run_id, state, peak, published, failures, begun)


def last_words(stack: Stack, run_id: str, task: dict[str, Any]) -> str:
    path = f"/opt/airflow/logs/dag_id=iot_nightly/run_id={run_id}/task_id={task['task_id']}"
    text = stack.run("airflow-scheduler", "sh", "-c", f"tail -n 15 '{path}'/*.log", check=False)
    return f"\n{task['task_id']} is {task['state']}:\n{text[-4000:]}"


def rows_published(stack: Stack, run_id: str) -> dict[str, int]:
    """Rows of each gold table, as the run's own result file says."""
    slug = re.sub(r"[^A-Za-z0-9_.-]", "_", run_id)
    answer = stack.login.get(f"{stack.url}/data-docs/runs/{slug}/publish.json", timeout=30)
    return {table["table"].split(".")[-1]: table["rows"] for table in answer.json()["tables"]}


def test_the_night_succeeds_with_the_network_cut(stack: Stack, night: Night) -> None:
    assert night.state == "success", night.failures
    probe = ("timeout", "5", "bash", "-c", ": < /dev/tcp/1.1.1.1/443 && echo open")
    assert "open" not in stack.run("airflow-scheduler", *probe, check=False)


def test_switching_on_starts_nothing_but_what_is_triggered(night: Night) -> None:
    assert night.begun_before == set()


def test_gold_holds_the_rows_that_the_night_published(stack: Stack, night: Night) -> None:
    rows = json.loads(stack.run("airflow-scheduler", *JOBS_PYTHON, COUNT_GOLD))
    assert rows == night.published
    assert rows["sensor_hourly"] > 0


def test_the_api_over_gold_reads_the_rows_that_the_night_published(stack: Stack, night: Night) -> None:
    answer = stack.login.get(f"{stack.url}/lakehouse/v1/tables", timeout=60)
    tables = {table["name"].removeprefix("gold."): table for table in answer.json()["tables"]}
    assert {name: tables[name]["row_count"] for name in night.published} == night.published
    rows = stack.login.get(f"{stack.url}/lakehouse/v1/tables/gold.sensor_hourly/rows?limit=5", timeout=60)
    assert len(rows.json()["rows"]) == 5


def test_a_file_goes_in_and_the_export_comes_out_as_the_readme_says(
    stack: Stack, night: Night, tmp_path: Path
) -> None:
    assert night.state == "success", night.failures
    stack.typed(of_readme("docker compose cp"), tmp_path)
    lines = (tmp_path / "iot_gold_export.csv").read_text().splitlines()
    (mine,) = [line for line in lines if "Room_A" in line and "2025-05-01" in line]
    assert "72.4" in mine
    assert len(lines) == 2


def test_every_row_is_accounted_for(stack: Stack, night: Night) -> None:
    assert night.state == "success"
    stack.run("airflow-scheduler", "jobs", "verify", "--night", NIGHT)


def test_the_report_opens_with_the_login_of_the_ui(stack: Stack, night: Night) -> None:
    assert night.state == "success"
    report = stack.login.get(f"{stack.url}/data-docs/nights/{NIGHT}.html", timeout=30)
    assert report.status_code == 200
    assert NIGHT in report.text


def test_the_stack_stays_below_its_memory(night: Night) -> None:
    print(f"all services together: at most {night.peak_memory / GIGABYTE:.2f} GiB")
    assert 0 < night.peak_memory < MEMORY_LIMIT


@pytest.mark.parametrize(
    "path", ["/api/v2/dags", "/api/v2/connections", "/data-docs/index.html", "/lakehouse/v1/tables"]
)
def test_nothing_is_shown_without_a_login(path: str, stack: Stack) -> None:
    assert requests.get(stack.url + path, timeout=30).status_code == 401


@pytest.mark.parametrize("password", ["admin", "airflow", ""])
def test_no_well_known_password_opens_it(password: str, stack: Stack) -> None:
    credentials = {"username": "admin", "password": password}
    assert requests.post(f"{stack.url}/auth/token", json=credentials, timeout=30).status_code in {400, 401}


def test_spark_serves_only_who_has_the_token(stack: Stack) -> None:
    def connect(remote: str) -> str:
        return stack.run("airflow-scheduler", *JOBS_PYTHON, CONNECT, stdin=remote, check=False)

    assert "UNAUTHENTICATED" in connect("sc://spark:15002")
    assert "UNAUTHENTICATED" in connect("sc://spark:15002/;authorization=Bearer%20guess")
    assert connect(f"sc://spark:15002/;authorization=Bearer%20{stack.secrets['token']}").split()[-1] == "3"


def test_only_this_machine_can_reach_the_stack(stack: Stack) -> None:
    bindings = [
        binding["HostIp"]
        for service in LONG_RUNNING
        for published in (stack.inspect(service)["NetworkSettings"]["Ports"] or {}).values()
        for binding in published or []
    ]
    assert bindings == ["127.0.0.1"]


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_a_service_has_no_root_no_capability_and_no_way_to_gain_one(service: str, stack: Stack) -> None:
    uids = stack.docker("top", stack.container(service), "-eo", "pid,uid").split()[3::2]
    assert uids
    assert "0" not in uids
    status = stack.run(service, "cat", "/proc/1/status")
    held = dict(re.findall(r"^(Cap\w+|NoNewPrivs):\s+(\w+)$", status, re.MULTILINE))
    assert held.pop("NoNewPrivs") == "1"
    assert {int(value, 16) for value in held.values()} == {0}


def test_no_secret_can_be_read_from_outside_the_services(stack: Stack, night: Night) -> None:
    assert night.run_id
    views = {"compose config": stack.compose("config"), "logs": stack.compose("logs")}
    for service in (*LONG_RUNNING, "secrets-init", "airflow-init"):
        views[f"inspect {service}"] = json.dumps(stack.inspect(service))
    for service in LONG_RUNNING:
        views[f"arguments of {service}"] = stack.docker("top", stack.container(service), "-eo", "pid,args")
    for name, value in stack.secrets.items():
        assert not [view for view, text in views.items() if value in text], name


def test_no_secret_is_written_to_task_logs_or_the_lake(stack: Stack, night: Night) -> None:
    assert night.run_id
    patterns = "\n".join(stack.secrets.values())
    search = ("grep", "-rlFf", "-", "/opt/airflow/logs", "/opt/lakehouse/lake")
    assert not stack.run("airflow-scheduler", *search, stdin=patterns, check=False).strip()


def test_old_logs_and_rows_are_cleaned_up_every_day(stack: Stack) -> None:
    """It has been done once, on this database, and is waited for the next time."""
    said = stack.compose("logs", "--no-log-prefix", "airflow-cleanup")
    assert "dag_run" in said and "Traceback" not in said, said
    assert "sleep 86400" in stack.docker("top", stack.container("airflow-cleanup"), "-eo", "pid,args")


def test_a_second_start_keeps_the_secrets(stack: Stack) -> None:
    before = dict(stack.secrets)
    stack.compose("run", "--rm", "--no-deps", "secrets-init")
    del stack.__dict__["secrets"], stack.__dict__["password"]
    assert stack.secrets == before
