"""No fault between Airflow and Databricks doubles a run or reports it wrongly.

Real: the DAGs, the scheduler and its workers, the requests, the runs with their processes. Databricks is stood in
for by tests/support/standin, and what its runs execute is a wheel that computes nothing: it leaves the run results that
Airflow reads. That real stages come to the same numbers there is in test_on_databricks.py.

Each fault meets the run of another DAG, side by side, for Airflow waits up to 40 s before it tries again. What
answers each of them: docs/decisions/2026-11-21-databricks-retries.md.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from embedded.errors import Failed
from tests.support.embedded_stack import NIGHT, STAGES, Embedded, left_behind, wait_for
from tests.support.http_server import Webhook
from tests.support.project import free_port
from tests.support.standin.start import Standin, start
from tests.support.standin.tiny_wheel import tiny_wheel

WHEEL = "iot_lakehouse-1.0-py3-none-any.whl"
RECEIVED = "receive"
STREAMS = ["stream_iot_events", "stream_transactions", "stream_live_sensors"]
RETRY_AFTER = 2


def persistently(change: Callable[[], object]) -> None:
    """Ask Airflow for a change until it makes it: its SQLite knows one writer, and gives up on a busy machine."""
    for left in range(10, -1, -1):
        try:
            change()
            return
        except Failed as error:
            if "HTTP 500" not in str(error) or not left:
                raise
            time.sleep(1)


class Run:
    """One run of a DAG on Databricks, seen from both ends."""

    def __init__(self, stack: Embedded, standin: Standin, dag: str, **form: object) -> None:
        self.standin, self.id, self.lake = standin, f"faults-on-{dag}", lake_of(standin)
        self.api = stack.api()
        self.dag = f"/dags/{dag}"
        self.path = f"{self.dag}/dagRuns/{self.id}"
        self.form = form

    def trigger(self) -> None:
        persistently(lambda: self.api.patch(self.dag, {"is_paused": False}))
        body = {"dag_run_id": self.id, "logical_date": None, "conf": self.form}
        persistently(lambda: self.api.post(f"{self.dag}/dagRuns", body))

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
        """How often Airflow tried each stage that it came to."""
        tasks = self.api.get(f"{self.path}/taskInstances")["task_instances"]
        return {task["task_id"]: task["try_number"] for task in tasks if task["try_number"]}

    def state(self) -> str:
        """What Airflow says of the run."""
        return str(self.api.get(self.path)["state"])

    def state_of(self, stage: str) -> str:
        return str(self.api.get(f"{self.path}/taskInstances/{stage}")["state"])

    def hold(self, stage: str) -> Path:
        """Let a stage's process go on until the file that this gives is removed."""
        file = self.lake / "held" / stage
        file.touch()
        return file

    def wait_for_run(self, stage: str, state: str) -> dict[str, Any]:
        """The latest run of a stage, once it is in this life cycle state."""
        wait_for(lambda: any(run["state"]["life_cycle_state"] == state for run in self.runs(stage)[-1:]))
        return self.runs(stage)[-1]

    def wait_until_polled(self, stage: str) -> None:
        """Until the latest run of a stage executes and Airflow, which knows its id by then, asks for it."""
        wait_for(lambda: any(run["pid"] for run in self.runs(stage)[-1:]))
        asked = f"run_id={self.runs(stage)[-1]['run_id']}"
        wait_for(lambda: any(asked in request["query"] for request in self.standin.requests("/runs/get")))

    def wait_for_state(self, stage: str, state: str) -> None:
        wait_for(lambda: self.state_of(stage) == state)

    def wait_for_end(self) -> str:
        """The state in which the run ends."""
        wait_for(lambda: self.state() in {"success", "failed"})
        return self.state()

    def mark_failed(self, stage: str) -> None:
        persistently(lambda: self.api.patch(f"{self.path}/taskInstances/{stage}", {"new_state": "failed"}))

    def clear(self, stage: str, *, downstream: bool) -> None:
        body = {
            "dry_run": False,
            "dag_run_id": self.id,
            "task_ids": [stage],
            "only_failed": False,
            "include_downstream": downstream,
            "reset_dag_runs": True,
        }
        persistently(lambda: self.api.post(f"{self.dag}/clearTaskInstances", body))
        wait_for(lambda: self.state() in {"queued", "running"})

    def kill_worker(self, stage: str) -> None:
        """kill -9 the process that executes the task."""
        pid = self.api.get(f"{self.path}/taskInstances/{stage}")["pid"]
        os.kill(pid, signal.SIGKILL)


def lake_of(standin: Standin) -> Path:
    return standin.volumes / "main/iot_dev_ops/lake"


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    """The workspace, where a wheel of the jobs' name has been deployed; without Spark."""
    with start(tmp_path_factory.mktemp("standin"), spark_on_request=True) as standin:
        lake = lake_of(standin)
        for folder in ("wheels", "held", "refused"):
            (lake / folder).mkdir(parents=True)
        (lake / "wheels" / WHEEL).write_bytes(tiny_wheel(name="iot_lakehouse", requires_python=">=3.11"))
        (lake / "wheels/latest.txt").write_text(WHEEL)
        yield standin


@pytest.fixture(scope="module")
def airflow(
    standin: Standin, webhook: Webhook, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Embedded]:
    """The stack that `make run` starts for this target: Airflow, and no Spark."""
    stack = Embedded(tmp_path_factory.mktemp("airflow"), free_port(), free_port(), notified=webhook)
    variables = {
        "LAKEHOUSE_TARGET": "dev",
        "AIRFLOW_CONN_DATABRICKS_DEFAULT": standin.connection("oauth"),
        **standin.environment,
    }
    try:
        up = stack("up", **variables)
        assert up.returncode == 0, up.stdout + up.stderr
        assert "spark" not in stack.pids()
        # Here is no Spark that they would share, so that the DAGs need not wait for each other.
        stack.api().patch("/pools/spark", {"pool": "spark", "slots": 3, "include_deferred": False})
        yield stack
    finally:
        stack("stop", **variables)
    assert left_behind(stack) == []


def night_with_a_lost_answer(night: Run) -> None:
    """Then it is disturbed by its users."""
    held = night.hold("gold")
    night.wait_until_polled("gold")
    # The task is marked failed while its run goes on.
    night.mark_failed("gold")
    night.wait_for_run("gold", "TERMINATED")
    assert night.wait_for_end() == "failed"
    held.unlink()
    # Then it is cleared, with all that comes after it.
    night.clear("gold", downstream=True)
    assert night.wait_for_end() == "success"
    # A stage that has succeeded is cleared.
    night.clear("report", downstream=False)
    assert night.wait_for_end() == "success"


def stream_whose_worker_dies(stream: Run) -> None:
    held = stream.hold(STREAMS[0])
    stream.trigger()
    stream.wait_until_polled(STREAMS[0])
    stream.kill_worker(STREAMS[0])
    stream.wait_for_state(STREAMS[0], "up_for_retry")
    stream.wait_for_state(STREAMS[0], "running")
    # Nobody has submitted it again by now, and its process goes on.
    assert stream.results() == {STREAMS[0]: [""]}
    held.unlink()


def backfill_whose_run_is_killed(backfill: Run) -> None:
    held = backfill.hold("backfill")
    backfill.trigger()
    backfill.wait_for_run("backfill", "TERMINATED")
    held.unlink()


@pytest.fixture(scope="module")
def runs(standin: Standin, airflow: Embedded) -> dict[str, Run]:
    """A run of each DAG, each with its faults, once all have ended."""
    runs = {
        dag: Run(airflow, standin, f"iot_{dag}", **form)
        for dag, form in {
            "nightly": {"night": NIGHT, "tables": ["sensor_logs"]},
            "stream": {"night": NIGHT},
            "backfill": {"first": NIGHT, "last": NIGHT},
            "maintenance": {},
            "receive": {},
        }.items()
    }
    submit = {"method": "POST", "path": "*/runs/submit"}
    standin.faults(
        # The answer to the first submission is lost, after the run was made.
        {**submit, "cut": True, "when": "after", "times": 1},
        # Later ones are slow, so that most runs have ended when Airflow asks for the first time.
        {**submit, "delay": 1, "when": "after"},
        # The workspace is busy.
        {"path": "*/runs/get", "status": 429, "retry_after": RETRY_AFTER, "times": 3, "skip": 4},
        # A run fails while it executes, another before anybody asks.
        {"run": "kill", "task_key": "backfill", "seconds": 3, "times": 1},
        {"run": "fail", "task_key": "maintain", "times": 1},
    )
    # A run does not pass its check.
    (lake_of(standin) / "refused" / RECEIVED).touch()
    runs["nightly"].trigger()
    runs["nightly"].wait_for_run("generate", "TERMINATED")
    driven: dict[str, Callable[[Run], None]] = {
        "nightly": night_with_a_lost_answer,
        "stream": stream_whose_worker_dies,
        "backfill": backfill_whose_run_is_killed,
        "maintenance": Run.trigger,
        "receive": Run.trigger,
    }
    with ThreadPoolExecutor(len(driven)) as pool:
        for done in [pool.submit(drive, runs[dag]) for dag, drive in driven.items()]:
            done.result()
    for run in runs.values():
        run.wait_for_end()
    return runs


def submissions(standin: Standin) -> Counter[str]:
    """How often each token was sent."""
    return Counter(request["body"]["idempotency_token"] for request in standin.requests("/runs/submit"))


def test_a_night_whose_stages_are_disturbed_by_faults_and_users_is_right_at_last(
    runs: dict[str, Run],
) -> None:
    night = runs["nightly"]
    assert night.state() == "success"
    assert night.results() == {
        **{stage: ["SUCCESS"] for stage in STAGES},
        "gold": ["CANCELED", "SUCCESS"],
        "report": ["SUCCESS", "SUCCESS"],
    }
    assert night.attempts() == {**dict.fromkeys(STAGES, 1), "gold": 2, "report": 2}


def test_a_lost_answer_is_asked_for_again_with_the_same_token(runs: dict[str, Run], standin: Standin) -> None:
    (lost,) = runs["nightly"].runs("generate")
    assert submissions(standin)[lost["token"]] == 2
    assert runs["nightly"].attempts()["generate"] == 1


def test_all_other_submissions_are_sent_once_and_each_has_a_token_of_its_own(
    runs: dict[str, Run], standin: Standin
) -> None:
    tokens = [run["token"] for run in standin.runs()]
    assert len(tokens) == sum(len(run.runs()) for run in runs.values())
    assert len(set(tokens)) == len(tokens)
    (lost,) = (run["token"] for run in runs["nightly"].runs("generate"))
    assert submissions(standin) == Counter(tokens) + Counter([lost])


def test_a_task_marked_failed_has_its_run_canceled_with_its_process(runs: dict[str, Run]) -> None:
    canceled, _ = runs["nightly"].runs("gold")
    assert (canceled["state"]["result_state"], canceled["cancelled"]) == ("CANCELED", True)
    with pytest.raises(ProcessLookupError):
        os.kill(canceled["pid"], 0)


def test_a_run_whose_worker_died_is_waited_for_by_the_retry(runs: dict[str, Run]) -> None:
    stream = runs["stream"]
    assert stream.state() == "success"
    assert stream.results() == {stage: ["SUCCESS"] for stage in STREAMS}
    assert stream.attempts() == {**dict.fromkeys(STREAMS, 1), STREAMS[0]: 2}


@pytest.mark.parametrize(("dag", "stage"), [("backfill", "backfill"), ("maintenance", "maintain")])
def test_a_run_that_failed_is_followed_by_another(runs: dict[str, Run], dag: str, stage: str) -> None:
    assert runs[dag].state() == "success"
    assert runs[dag].results() == {stage: ["FAILED", "SUCCESS"]}
    assert runs[dag].attempts() == {stage: 2}


def test_a_run_that_fails_its_check_is_tried_once_only(runs: dict[str, Run]) -> None:
    assert (runs["receive"].state(), runs["receive"].state_of(RECEIVED)) == ("failed", "failed")
    assert runs["receive"].results() == {RECEIVED: ["FAILED"]}
    assert runs["receive"].attempts() == {RECEIVED: 1}


def test_each_run_that_failed_for_good_is_one_message_whatever_ended_its_task(
    runs: dict[str, Run], airflow: Embedded
) -> None:
    """A task that is ended from outside, as `gold` was, has no process left that could notify anybody."""

    def messages() -> list[str]:
        ours = [message.partition("\n")[0] for message in airflow.messages]
        return sorted(
            message for message in ours if any(f"run {run.id})" in message for run in runs.values())
        )

    wait_for(lambda: len(messages()) > 1, 120)
    assert messages() == [
        f"iot_nightly: gold failed (night {NIGHT}, run {runs['nightly'].id})",
        f"iot_receive: {RECEIVED} failed (run {runs['receive'].id})",
    ]


def test_a_busy_workspace_is_asked_again_when_it_said_so(runs: dict[str, Run], standin: Standin) -> None:
    asked = standin.requests("/runs/get")
    busy = [request for request in asked if request["status"] == 429]
    assert len(busy) == 3
    for refused in busy:
        later = [
            request["time"]
            for request in asked
            if request["query"] == refused["query"] and request["time"] > refused["time"]
        ]
        assert min(later) - refused["time"] >= RETRY_AFTER
