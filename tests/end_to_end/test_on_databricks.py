"""The same DAG on Databricks: the numbers are those of this machine, and no fault makes it double or lie.

Databricks is stood in for by tests/support/standin, which executes what is submitted; all else is real.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from jobs import store
from jobs.kafka import parse
from jobs.settings import Settings
from jobs.stream.batches import Batch, counts
from jobs.tables import OPTIONAL, SOURCES, STREAMED, TABLES, columns_of, selection
from tests.support.embedded_stack import NIGHT, SCALE, STAGES, Embedded, left_behind, wait_for
from tests.support.kafka import broker as kafka
from tests.support.project import PROJECT, free_port
from tests.support.standin.start import Standin, start

LATER = ("2024-03-06", "2024-03-07")
EARLIER = ("2024-03-01", "2024-03-02")
BROKEN = "2024-03-08"
COMPARED = [name for name, table in TABLES.items() if table.layer in ("silver", "gold")]
# Of so few rows a night has none that comes into these.
SELDOM = {"gold.device_anomalies", "silver.machine_anomalies"}
# A night makes them only when it is told to.
ON_REQUEST = {
    name for name in COMPARED if TABLES[name].name in {*OPTIONAL, "transactions_daily", "readings_5min"}
}


@dataclass
class Side:
    """A platform as its user sees it: an Airflow, and tables."""

    stack: Embedded
    spark_remote: Callable[[], str]
    catalog: str = "spark_catalog"
    prefix: str = ""
    lake: Path | None = None  # where its files are, if not beside the stack
    variables: dict[str, str] = field(default_factory=dict)
    _spark: Any = None

    def run(self, night: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """`make run` of one night."""
        return self.stack("run", NIGHT=night, SCALE=SCALE, **self.variables, **variables)

    @property
    def spark(self) -> SparkSession:
        if self._spark is None:
            self._spark = SparkSession.builder.remote(self.spark_remote()).create()
        return self._spark

    @property
    def settings(self) -> Settings:
        return Settings(
            "verify",
            date.fromisoformat(NIGHT),
            "parity",
            self.stack.home,
            self.catalog,
            self.prefix,
            selection(()),
        )

    def drop(self, name: str, text: str) -> None:
        """Drop a file into the landing zone by hand."""
        self.landing(name).write_text(text)

    def landing(self, name: str) -> Path:
        """A file or folder of the landing zone."""
        return (self.lake or self.stack.home) / "landing" / name

    def versions(self) -> dict[str, int]:
        """The latest version of each table that a night's silver writes."""
        names = [name for name, table in TABLES.items() if table.layer in ("silver", "ops")]
        return {
            table: self.spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1").collect()[0].version
            for table in map(self.settings.table, names)
            if self.spark.catalog.tableExists(table)
        }

    def put_back(self, versions: dict[str, int]) -> None:
        """Undo what has been done to tables since they had these versions."""
        for table, version in self.versions().items():
            if version != versions[table]:
                self.spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF {versions[table]}")

    def close(self) -> None:
        """End the session while its server is there: afterwards the client would look for it for minutes."""
        if self._spark is not None:
            self._spark.stop()

    def digests(self) -> dict[tuple[str, date], tuple[int, str]]:
        """Rows and digest of every slice of every silver and gold table, computed anew."""
        return {
            (found.table, found.night): (found.rows, found.digest)
            for name in COMPARED
            if name not in ON_REQUEST or self.spark.catalog.tableExists(self.settings.table(name))
            for found in store.digests(self.spark, self.settings, name)
        }

    def rows(self, name: str, *but: str) -> list[Row]:
        """A table's rows in some fixed order, without the columns named; variants, which do not compare, as JSON."""
        shown = [
            F.expr(f"to_json(`{column}`)").alias(column) if kind == "VARIANT" else F.col(column)
            for column, kind in columns_of(TABLES[name].columns).items()
            if column not in but
        ]
        return sorted(store.read(self.spark, self.settings, name).select(*shown).collect(), key=str)

    def first_notes(self) -> dict[str, Any]:
        """What the stages of the first run left in the data docs of Airflow's machine."""
        return self.stack.notes(self.stack.first_run_id)

    def last_notes(self) -> dict[str, Any]:
        """What those of the latest run left."""
        runs = sorted((self.stack.home / "data-docs/runs").iterdir(), key=lambda run: run.stat().st_mtime)
        return self.stack.notes(runs[-1].name)


class Faulty:
    """One run of the DAG on Databricks, seen from both ends."""

    def __init__(self, side: Side, standin: Standin, run_id: str) -> None:
        self.side, self.standin, self.id = side, standin, run_id
        self.api = side.stack.api()
        self.path = f"/dags/iot_nightly/dagRuns/{run_id}"

    def trigger(self, night: str) -> None:
        conf = {"night": night, "scale": float(SCALE), "tables": ["sensor_logs"]}
        body = {"dag_run_id": self.id, "logical_date": None, "conf": conf}
        self.api.post("/dags/iot_nightly/dagRuns", body)

    def runs(self, stage: str = "") -> list[dict[str, Any]]:
        """The remote runs of a stage, or of all, the oldest first; each with the state of its one task."""
        found = []
        for run in self.standin.runs():
            (task,) = run["attempts"]
            if f"--run-id={self.id}" in task["parameters"] and stage in ("", task["task_key"]):
                found.append({**task, **run})
        return found

    def results(self) -> dict[str, list[str]]:
        """Result states of each stage's runs."""
        found: dict[str, list[str]] = {}
        for run in self.runs():
            found.setdefault(run["task_key"], []).append(run["state"]["result_state"])
        return found

    def attempts(self) -> dict[str, int]:
        """How often Airflow tried each stage."""
        tasks = self.api.get(f"{self.path}/taskInstances")["task_instances"]
        return {task["task_id"]: task["try_number"] for task in tasks}

    def wait_for_run(self, stage: str, state: str) -> dict[str, Any]:
        """The latest run of a stage, once it is in this life cycle state."""
        wait_for(lambda: any(run["state"]["life_cycle_state"] == state for run in self.runs(stage)[-1:]))
        return self.runs(stage)[-1]

    def wait_for_state(self, stage: str, state: str) -> None:
        wait_for(lambda: self.api.get(f"{self.path}/taskInstances/{stage}")["state"] == state)

    def wait_for_end(self, state: str) -> None:
        wait_for(lambda: self.api.get(self.path)["state"] in {"success", "failed"})
        assert self.api.get(self.path)["state"] == state

    def mark_failed(self, stage: str) -> None:
        self.api.patch(f"{self.path}/taskInstances/{stage}", {"new_state": "failed"})

    def clear(self, stage: str, *, downstream: bool) -> None:
        body = {
            "dry_run": False,
            "dag_run_id": self.id,
            "task_ids": [stage],
            "only_failed": False,
            "include_downstream": downstream,
            "reset_dag_runs": True,
        }
        self.api.post("/dags/iot_nightly/clearTaskInstances", body)
        wait_for(lambda: self.api.get(self.path)["state"] in {"queued", "running"})

    def kill_worker(self, stage: str) -> None:
        """kill -9 the process that executes the task."""
        pid = self.api.get(f"{self.path}/taskInstances/{stage}")["pid"]
        os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def local(embedded: Embedded) -> Iterator[Side]:
    """The stack of this folder's other tests, which has run one night."""

    def remote() -> str:
        token = (embedded.run_dir / "secrets/connect-token").read_text()
        return f"sc://127.0.0.1:{embedded.connect_port}/;authorization=Bearer%20{token}"

    side = Side(embedded, remote)
    yield side
    side.close()


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    """The workspace, with everything deployed as docs/databricks.md says."""
    with start(tmp_path_factory.mktemp("standin"), spark_memory="2g") as standin:
        deployed = workspace(standin, "deploy")
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        yield standin


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
def remote(standin: Standin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    stack = Embedded(tmp_path_factory.mktemp("remote"), free_port(), free_port())
    lake = standin.volumes / "main/iot_dev_ops/lake"
    side = Side(stack, standin.spark_remote, "main", "iot_dev_", lake, variables(standin))
    try:
        first = side.run(NIGHT)
        assert first.returncode == 0, first.stdout + first.stderr
        stack.first_run = first.stdout
        yield side
    finally:
        side.close()
        stack("stop", **side.variables)
    assert left_behind(stack) == []


def test_the_first_night_has_the_same_digests_on_both(local: Side, remote: Side) -> None:
    here = local.digests()
    assert {table for table, _ in here} == {*COMPARED} - ON_REQUEST - SELDOM
    assert remote.digests() == here


def test_the_first_night_has_the_same_bronze_and_quarantine_on_both(local: Side, remote: Side) -> None:
    def landed(side: Side) -> dict[str, list[Row]]:
        bronze = [name for name in here_after_a_night if name.startswith("bronze.")]
        return {
            **{name: side.rows(name, "_file", "_ingested_at") for name in bronze},
            "ops.quarantine": side.rows("ops.quarantine", "file"),
        }

    here_after_a_night = [
        name for name in TABLES if local.spark.catalog.tableExists(local.settings.table(name))
    ]
    here = landed(local)
    assert len(here) > 10 and all(here.values())
    assert landed(remote) == here


def test_the_first_night_has_the_same_accounts_on_both(local: Side, remote: Side) -> None:
    accounts = local.rows("ops.row_accounts", "run_id", "settled_at")
    assert accounts
    assert remote.rows("ops.row_accounts", "run_id", "settled_at") == accounts


def test_the_first_night_has_the_same_data_docs_on_both(local: Side, remote: Side) -> None:
    here, there = local.first_notes(), remote.first_notes()
    assert set(there) == set(here) == set(STAGES)
    for stage in STAGES:
        assert verdicts(there[stage]) == verdicts(here[stage]), stage


def verdicts(note: dict[str, Any]) -> list[Any]:
    """What a stage found, without when and under which address."""
    return [
        (
            table["table"],
            table["rows"],
            {key: value for key, value in table["detail"].items() if key != "page"},
        )
        for table in note["tables"]
    ]


def test_data_docs_and_report_are_where_airflow_shows_them(remote: Side) -> None:
    docs = remote.stack.home / "data-docs"
    notes = remote.first_notes()
    pages = [page for note in notes.values() for page in note["pages"]]
    assert len(pages) > 40
    assert f"nights/{NIGHT}.html" in pages
    for page in pages:
        assert (docs / page).stat().st_size > 0, page


def test_every_stage_is_one_run_with_the_wheel_and_the_argument_list(standin: Standin, remote: Side) -> None:
    runs = standin.runs()[: len(STAGES)]
    assert {run["state"]["result_state"] for run in runs} == {"SUCCESS"}
    assert len({run["token"] for run in runs}) == len(STAGES)
    tasks = [task for run in runs for task in run["attempts"]]
    assert [task["task_key"] for task in tasks] == STAGES
    for task in tasks:
        assert task["parameters"][0] == task["task_key"].split("_")[0]
        assert f"--night={NIGHT}" in task["parameters"]
        assert "--home=/Volumes/main/iot_dev_ops/lake" in task["parameters"]
        assert "" not in task["parameters"]


def test_nights_backwards_and_nights_in_bulk_come_to_the_same_tables(local: Side, remote: Side) -> None:
    api = remote.stack.api()
    asked = {
        "dag_id": "iot_nightly",
        "from_date": f"{NIGHT}T00:00:00Z",
        "to_date": f"{LATER[-1]}T23:59:59Z",
        "run_backwards": True,
        "dag_run_conf": {"scale": float(SCALE)},
    }
    backfill = api.post("/backfills", asked)["id"]
    assert (
        dag(local, "iot_history", "in-bulk", first=LATER[0], last=LATER[-1], scale=float(SCALE)) == "success"
    )
    wait_for(lambda: api.get(f"/backfills/{backfill}")["completed_at"] is not None)
    runs = api.get("/dags/iot_nightly/dagRuns?run_type=backfill&order_by=start_date")["dag_runs"]
    assert [run["logical_date"][:10] for run in runs] == [*reversed(LATER), NIGHT]
    assert {run["state"] for run in runs} == {"success"}
    assert remote.digests() == local.digests()
    columns = ("run_id", "settled_at")
    assert remote.rows("ops.row_accounts", *columns) == local.rows("ops.row_accounts", *columns)


def test_no_fault_on_the_way_doubles_a_run_or_reports_it_wrongly(
    local: Side, remote: Side, standin: Standin
) -> None:
    night = Faulty(remote, standin, "faults")
    # The answer to the first submission is lost, after the run was made.
    standin.faults(
        {"method": "POST", "path": "*/runs/submit", "cut": True, "when": "after", "times": 1},
        {"run": "hold", "task_key": "bronze"},
    )
    night.trigger(LATER[-1])
    assert night.wait_for_run("generate", "TERMINATED")["state"]["result_state"] == "SUCCESS"

    # The worker dies while it polls.
    held = night.wait_for_run("bronze", "RUNNING")
    night.kill_worker("bronze")
    night.wait_for_state("bronze", "up_for_retry")
    night.wait_for_state("bronze", "running")
    assert [run["run_id"] for run in night.runs("bronze")] == [held["run_id"]]
    standin.clear_faults()

    # A run fails while it executes, another before anybody asks; the third is held.
    standin.faults(
        {"run": "kill", "task_key": "silver", "seconds": 1, "times": 1},
        {"run": "fail", "task_key": "check_silver", "times": 1},
        {"run": "hold", "task_key": "gold"},
    )

    # The task is marked failed while its run goes on, then cleared; the workspace is busy meanwhile.
    night.wait_for_run("gold", "RUNNING")
    night.mark_failed("gold")
    assert night.wait_for_run("gold", "TERMINATED")["state"]["result_state"] == "CANCELED"
    night.wait_for_end("failed")
    standin.clear_faults()
    standin.faults({"path": "*/runs/get", "status": 429, "retry_after": 2, "times": 3})
    night.clear("gold", downstream=True)
    night.wait_for_end("success")

    # A stage that has succeeded is cleared.
    night.clear("report", downstream=False)
    night.wait_for_end("success")

    assert night.results() == {
        "generate": ["SUCCESS"],
        "bronze": ["SUCCESS"],
        "check_bronze": ["SUCCESS"],
        "silver": ["FAILED", "SUCCESS"],
        "check_silver": ["FAILED", "SUCCESS"],
        "gold": ["CANCELED", "SUCCESS"],
        "check_gold": ["SUCCESS"],
        "publish": ["SUCCESS"],
        "report": ["SUCCESS", "SUCCESS"],
    }
    tokens = [run["token"] for run in night.runs()]
    assert len(set(tokens)) == len(tokens)
    submitted = Counter(
        request["body"]["idempotency_token"]
        for request in standin.requests("/runs/submit")
        if request["body"]["idempotency_token"] in tokens
    )
    (lost,) = (run["token"] for run in night.runs("generate"))
    assert submitted == Counter(tokens) + Counter([lost])
    assert night.attempts() == {
        "generate": 1,
        "bronze": 2,
        "check_bronze": 1,
        "silver": 2,
        "check_silver": 2,
        "gold": 2,
        "check_gold": 1,
        "publish": 1,
        "report": 2,
    }
    assert remote.digests() == local.digests()


def at_once(work: Callable[[Side], Any], *sides: Side) -> list[Any]:
    """Do the same on each side, side by side; what came of it, in their order."""
    with ThreadPoolExecutor(len(sides)) as pool:
        return list(pool.map(work, sides))


def dag(side: Side, name: str, run_id: str, **form: object) -> str:
    """Run a DAG with these values in its form; the state in which it ends."""
    api, path = side.stack.api(), f"/dags/{name}/dagRuns"
    api.patch(f"/dags/{name}", {"is_paused": False})
    api.post(path, {"dag_run_id": run_id, "logical_date": None, "conf": form})
    wait_for(lambda: api.get(f"{path}/{run_id}")["state"] in {"success", "failed"})
    # On its schedule it would do its work for yesterday meanwhile.
    api.patch(f"/dags/{name}", {"is_paused": True})
    return str(api.get(f"{path}/{run_id}")["state"])


def stream(side: Side, run_id: str, **form: object) -> str:
    return dag(side, "iot_stream", run_id, night=NIGHT, rows_per_second=2, **form)


def noisy_device(device: int) -> str:
    """More anomalies of one device in one day than are let pass."""
    reading = {
        "device_id": device,
        "metric_name": "temperature",
        "metric_value": 21.5,
        "unit": "celsius",
        "quality_score": 90,
        "is_anomaly": True,
    }
    return "\n".join(
        json.dumps(
            {"reading_id": 9_000_000_000_000 + hour, "timestamp": f"{NIGHT} {hour:02}:00:00", **reading}
        )
        for hour in range(12)
    )


def hot_machine() -> str:
    """A machine above the temperature that a rule calls too hot."""
    values = "99999,1,A06,M1,2024-03-05 12:00:00,20.0,700.0,1000.0,105.0,100.0,1.0"
    return "\n".join([",".join(SOURCES["machine_sensors"].fields), values, ""])


def test_streams_and_optional_sources_come_to_the_same_tables_on_both(local: Side, remote: Side) -> None:
    def night(side: Side) -> None:
        assert stream(side, "to-files", seconds=300, sink="json") == "success"
        # So little data has no device and no machine that is bad enough for these tables.
        side.drop("readings/by_hand.json", noisy_device(device))
        side.drop("machine_sensors/by_hand.csv", hot_machine())
        done = side.run(NIGHT, TABLES=",".join([*OPTIONAL, "readings", "machine_sensors"]))
        assert done.returncode == 0, done.stdout + done.stderr

    device = local.rows("silver.devices")[0].device_id
    at_once(night, local, remote)
    here = local.digests()
    # Nothing is compared that is empty on both.
    assert {table for (table, _), (rows, _) in here.items() if rows} == {*COMPARED}
    assert here["gold.transactions_daily", date.fromisoformat(NIGHT)][0] > 5
    assert remote.digests() == here


def test_earlier_nights_in_bulk_on_databricks_come_to_the_tables_of_single_ones_here(
    local: Side, remote: Side
) -> None:
    few = ["sensor_logs"]

    def nights(side: Side) -> None:
        if side is remote:
            form = {"first": EARLIER[0], "last": EARLIER[-1], "scale": float(SCALE), "tables": few}
            assert dag(side, "iot_history", "in-bulk", **form) == "success"
        else:
            for night in EARLIER:
                done = side.run(night, TABLES=",".join(few))
                assert done.returncode == 0, done.stdout + done.stderr

    at_once(nights, local, remote)
    here = local.digests()
    assert {night for table, night in here if table == "gold.climate_hourly"} >= {
        *map(date.fromisoformat, EARLIER)
    }
    assert remote.digests() == here


def test_maintenance_changes_no_number_on_either(local: Side, remote: Side) -> None:
    before = local.digests()
    assert at_once(lambda side: dag(side, "iot_maintenance", "by-hand"), local, remote) == ["success"] * 2
    for side in (local, remote):
        readings = side.settings.table("silver.readings")
        history = side.spark.sql(f"DESCRIBE HISTORY {readings}").where("operation = 'OPTIMIZE'").collect()
        assert "device_id" in history[0].operationParameters["zOrderBy"]
        assert side.digests() == before


PUT_SECRET = """
import sys
from databricks.sdk import WorkspaceClient
secrets = WorkspaceClient().secrets
secrets.create_scope("lakehouse")
secrets.put_secret("lakehouse", "kafka", string_value=sys.stdin.read())
"""


RECEIVED = "live_sensors"


def received(side: Side) -> set[str]:
    """What `iot_receive` lands of a topic."""
    assert dag(side, "iot_receive", "from-kafka", source=RECEIVED) == "success"
    files = side.landing(RECEIVED).glob("*-received-*")
    lines = [line for file in files for line in file.read_text().splitlines()]
    assert len(set(lines)) == len(lines) == 120
    return set(lines)


def test_a_stream_to_kafka_is_the_same_messages_from_both_each_with_its_own_secret(
    local: Side, remote: Side, standin: Standin, tmp_path: Path
) -> None:
    def messages(broker: kafka.Kafka) -> set[tuple[Any, ...]]:
        reader = local.spark.read.format("kafka").options(**parse(broker.connection_string).options)
        both = reader.option("subscribe", ",".join(STREAMED)).option("startingOffsets", "earliest")
        sent = both.load().selectExpr("topic", "cast(key AS STRING)", "cast(value AS STRING)").collect()
        assert len(set(sent)) == len(sent) == asked_for
        return set(sent)

    piece, night = Batch(0, 60, 2), date.fromisoformat(NIGHT)
    asked_for = sum(sum(counts(source, night, piece, local.settings.seed)) for source in STREAMED)
    assert asked_for > 300
    form = {"seconds": 60, "sink": "kafka"}
    assert stream(remote, "without-a-secret", **form) == "failed"
    (tmp_path / "here").mkdir()
    with kafka.running(tmp_path / "here") as broker:
        connection = {"connection_id": "lakehouse_kafka", "conn_type": "generic"}
        local.stack.api().post("/connections", {**connection, "password": broker.connection_string})
        assert stream(local, "to-kafka", **form) == "success"
        here = messages(broker)
        landed = received(local)
        assert landed == {value for topic, _, value in here if topic == RECEIVED}
    (tmp_path / "there").mkdir()
    with kafka.running(tmp_path / "there") as broker:
        subprocess.run(
            [PROJECT / ".venv/airflow/bin/python", "-c", PUT_SECRET],
            check=True,
            env=os.environ | standin.sdk_environment | standin.environment,
            input=broker.connection_string,
            text=True,
        )
        assert stream(remote, "to-kafka", **form) == "success"
        assert messages(broker) == here
        assert received(remote) == landed


def test_no_secret_shows_in_logs_fields_or_argument_lists(remote: Side, standin: Standin) -> None:
    secrets = [standin.token, standin.facts["client_secret"]]
    secrets += standin.issued_tokens()
    assert len(secrets) > 2
    secrets += [file.read_text() for file in (standin.volumes.parent / "secrets").glob("*/*")]
    logs = [*remote.stack.run_dir.glob("logs/*"), *remote.stack.run_dir.rglob("airflow/logs/**/*.log")]
    assert len(logs) > 30
    texts = {str(log): log.read_text(errors="replace") for log in logs}
    api = remote.stack.api()
    for run in api.get("/dags/iot_nightly/dagRuns")["dag_runs"]:
        path = f"/dags/iot_nightly/dagRuns/{run['dag_run_id']}/taskInstances"
        texts |= {run["dag_run_id"]: json.dumps(api.get(path))}
    texts |= {"submissions": json.dumps([request["body"] for request in standin.requests("/runs/submit")])}
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            texts[str(process)] = process.read_text(errors="replace")
    for where, text in texts.items():
        assert not any(secret in text for secret in secrets), where


def test_a_night_that_fails_its_check_fails_alike_on_both(
    local: Side, remote: Side, standin: Standin
) -> None:
    as_it_was = local.versions()
    before = {}
    for side in (local, remote):
        before[side.prefix] = side.rows("gold.sensor_hourly")
        registry = side.settings.table("silver.device_registry")
        side.spark.sql(f"UPDATE {registry} SET status = 'Broken' WHERE device_id % 10 = 0")
    ends = []
    runs = at_once(lambda side: side.run(BROKEN, TABLES="device_health"), local, remote)
    for side, ended in zip((local, remote), runs, strict=True):
        assert ended.returncode == 3, ended.stdout + ended.stderr
        assert ended.stderr.startswith("error: check_silver failed")
        assert re.search(r"^  expectations +[1-9]\d* failed, \d+ warned$", ended.stdout, re.MULTILINE), (
            ended.stdout
        )
        assert re.search(r"^  what failed  \S+/check_silver\.html$", ended.stdout, re.MULTILINE)
        assert re.search(r"^  gold +0 rows published$", ended.stdout, re.MULTILINE)
        assert side.rows("gold.sensor_hourly") == before[side.prefix]
        notes = side.last_notes()
        assert notes["check_silver"]["exit"] == 3
        assert "gold" not in notes
        (page,) = {page for page in notes["check_silver"]["pages"] if page.startswith("runs/")}
        assert "unknown status" in (side.stack.home / "data-docs" / page).read_text()
        ends.append((verdicts(notes["check_silver"]), notes["check_silver"]["message"]))
    # The tests of other modules go on with this lake.
    local.put_back(as_it_was)
    assert ends[0] == ends[1]
    (run_id,) = {note["run_id"] for note in notes.values()}
    checks = Faulty(remote, standin, run_id).results()["check_silver"]
    assert checks == ["FAILED"], "tried once, for trying again is hopeless"
