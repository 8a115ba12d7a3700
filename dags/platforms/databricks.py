"""Databricks: the job is a run of its own, submitted with the wheel and the job's argument list.

Why a run is submitted once and never reported wrongly: docs/decisions/2026-11-21-databricks-retries.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator
from airflow.sdk.exceptions import AirflowException
from job import Job, PageLink, failure, slug_of
from tenacity import stop_after_attempt, wait_exponential

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import BaseOperator, Context
    from pydantic import JsonValue
    from targets import Databricks, Target
    from tenacity import RetryCallState

PACKAGE, ENTRY_POINT = "iot_lakehouse", "lakehouse"
ENVIRONMENT = "jobs"
POLL_SECONDS = 5
# Ends a run that Airflow lost sight of, this long after the task's own `execution_timeout` would have.
LOST_SECONDS = 3600
REQUEST_ATTEMPTS = 7
LONGEST_WAIT_SECONDS = 60
PARALLEL_DOWNLOADS = 8
# Of the five that Airflow's supervisor gives a task to end; the rest is for the thread that goes on.
CANCEL_SECONDS = 1.5


def operator(job: Job, target: Target) -> BaseOperator:
    """The task that runs this job on Databricks.

    Raises ValueError when the target does not say how.
    """
    if target.databricks is None:
        raise ValueError("targets.toml: a target of platform databricks needs its table [….databricks]")
    if not re.fullmatch(r"/Volumes/[^/]+/[^/]+/[^/]+(/.+)?", target.home):
        raise ValueError(
            f"targets.toml: home must be a volume, /Volumes/<catalog>/<schema>/<name>, not {target.home}"
        )
    limit = timedelta(hours=job.hours)
    return DatabricksJobOperator(
        job=job, target=target, task_id=job.stage, outlets=list(job.outlets), execution_timeout=limit
    )


class DatabricksJobOperator(DatabricksSubmitRunOperator):
    """Submits the run, waits for it, and brings the pages that the job wrote to where Airflow shows them."""

    template_fields: Sequence[str] = (*DatabricksSubmitRunOperator.template_fields, "page_href")

    def __init__(self, *, job: Job, target: Target, **kwargs: Any) -> None:
        assert target.databricks is not None  # noqa: S101 (for mypy; `operator` has said so in words)
        self.json: dict[str, Any]
        super().__init__(
            json=submission(job, target.databricks),
            databricks_conn_id=target.databricks.connection,
            polling_period_seconds=POLL_SECONDS,
            databricks_retry_args={"stop": stop_after_attempt(REQUEST_ATTEMPTS), "wait": wait_as_told},
            durable=True,
            deferrable=False,
            # They would go into the wheel's named parameters, beside which it takes no argument list.
            openlineage_inject_parent_job_info=False,
            openlineage_inject_transport_info=False,
            **kwargs,
        )
        self.remote_docs = f"{target.home}/data-docs"
        self.page_href = job.page.href if job.page else ""
        if job.page:
            self.operator_extra_links: Any = (*self.operator_extra_links, PageLink(job.page.name))

    @property
    def argv(self) -> list[str]:
        """The job's arguments, once rendered without those that are empty."""
        arguments: list[str] = self._wheel_task["parameters"]
        return arguments

    @property
    def _wheel_task(self) -> dict[str, Any]:
        task: dict[str, Any] = self.json["tasks"][0]["python_wheel_task"]
        return task

    def execute(self, context: Context) -> None:
        """Run the job. Exit status 2 and 3 fail the task for good, any other but 0 lets Airflow retry.

        A retry meets the run of the attempt before: it waits on for one that still runs, takes the success of
        one that has ended well, and submits a new one only after a failure.
        """
        self._wheel_task["parameters"] = [argument for argument in self.argv if argument]
        # The argument list says all; the provider would add the DAG's params as named parameters.
        self.params = {}
        self.external_id_key = f"databricks_run_id.{_generation(context)}"
        try:
            super().execute(context)
        except AirflowException as error:
            raise self._explained(error, context) from None
        self._tell(self._bring_pages(context))

    def submit_job(self, context: Context) -> int:
        """Submit the run: the same one however often the answer is lost, another after one that failed."""
        failed_run = context["task_state_store"].get(self.external_id_key)
        self.idempotency_token = idempotency_token(context, failed_run)
        return super().submit_job(context)

    def get_job_status(self, external_id: JsonValue, context: Context) -> str:
        """State of the run that an earlier attempt submitted."""
        self.run_id = int(str(external_id))
        return super().get_job_status(external_id, context)

    def on_kill(self) -> None:
        """Cancel the run.

        In a thread: Airflow calls this from a signal handler, which as a rule interrupts a request of this very
        thread to the supervisor, and the hook has requests to it too, which would wait for that one forever.
        """
        cancelling = threading.Thread(target=super().on_kill)
        cancelling.start()
        cancelling.join(CANCEL_SECONDS)

    def _explained(self, error: AirflowException, context: Context) -> AirflowException:
        """The same failure in the words of the job, where it came to say any."""
        exit_status = re.search(r"SystemExit: (\d+)", str(error))
        if not exit_status:
            return error
        status, message = int(exit_status[1]), str(error)
        try:
            note = self._bring_pages(context)
        except Exception as lost:
            self.log.warning("The pages of this run could not be fetched: %s", lost)
        else:
            message = note["message"] if note.get("exit") == status else message
        return failure(self.task_id, status, f"exit {status}", message)

    def _bring_pages(self, context: Context) -> dict[str, Any]:
        """Copy what the job wrote into the data docs of this machine; gives the job's note about itself."""
        from platforms.databricks_client import workspace_client  # the SDK takes a second to import

        files = workspace_client(self.databricks_conn_id).files
        docs = Path(os.environ["LAKEHOUSE_HOME"]).absolute() / "data-docs"

        def bring(page: str) -> bytes:
            target = (docs / page).resolve()
            if not target.is_relative_to(docs.resolve()):
                raise AirflowException(f"the job's note names a page outside the data docs: {page[:200]}")
            if "/static/" in page and target.exists():
                return b""
            contents = files.download(f"{self.remote_docs}/{page}").contents
            if contents is None:
                raise AirflowException(f"{self.remote_docs}/{page} has no contents")
            data = contents.read()
            _write_atomically(target, data)
            return data

        note: dict[str, Any] = json.loads(bring(f"runs/{slug_of(context['run_id'])}/{self.task_id}.json"))
        with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
            list(pool.map(bring, note["pages"]))
        return note

    def _tell(self, note: dict[str, Any]) -> None:
        for table in note["tables"]:
            self.log.info("%-28s %12s rows", table["table"], f"{table['rows']:,}")


def submission(job: Job, databricks: Databricks) -> dict[str, Any]:
    """The body of `runs/submit`: one task, on the compute that the target names."""
    task: dict[str, Any] = {
        "task_key": job.stage,
        "python_wheel_task": {
            "package_name": PACKAGE,
            "entry_point": ENTRY_POINT,
            "parameters": list(job.argv),
        },
    }
    body = {
        "run_name": f"{{{{ dag.dag_id }}}}.{job.stage} {{{{ run_id }}}}",
        "timeout_seconds": job.hours * 3600 + LOST_SECONDS,
        "tasks": [task],
    }
    if databricks.serverless:
        task["environment_key"] = ENVIRONMENT
        spec = asdict(databricks.serverless) | {"dependencies": [databricks.wheel]}
        return body | {"environments": [{"environment_key": ENVIRONMENT, "spec": spec}]}
    task["libraries"] = [{"whl": databricks.wheel}]
    if databricks.existing_cluster_id:
        task["existing_cluster_id"] = databricks.existing_cluster_id
    else:
        task["new_cluster"] = databricks.new_cluster
    return body


def idempotency_token(context: Context, failed_run: JsonValue) -> str:
    """Names the submission that is due: 64 characters, as many as Databricks takes.

    It stays the same until the run is known to have failed, or the task is cleared.
    """
    ti = context["ti"]
    due = [ti.dag_id, ti.run_id, ti.task_id, ti.map_index, _generation(context), failed_run]
    return hashlib.sha256(json.dumps(due).encode()).hexdigest()


def _generation(context: Context) -> int:
    # A retry leaves `max_tries` as it is; clearing the task raises it.
    return int(context["ti"].max_tries or 0)


def wait_as_told(state: RetryCallState) -> float:
    """Seconds before the next request: what the answer's Retry-After says, else growing."""
    error = state.outcome.exception() if state.outcome else None
    told = getattr(getattr(error, "response", None), "headers", {}).get("Retry-After", "")
    if told.isdecimal():
        return min(float(told), LONGEST_WAIT_SECONDS)
    return wait_exponential(min=1, max=LONGEST_WAIT_SECONDS / 2)(state)


def _write_atomically(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(file)
