"""Databricks: each job is a submitted run of the wheel, with the job's argument list.

How a run is submitted once and its state reported correctly: docs/decisions/2026-11-21-databricks-retries.md.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.databricks.exceptions import DatabricksApiError
from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from job import Job, PageLink, data_docs, failure, refuse_unknown_fields, result_of
from tenacity import stop_after_attempt, wait_exponential

from catalog.run_result import RunResult
from platforms.databricks_request import on_compute, request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import BaseOperator, Context
    from pydantic import JsonValue
    from targets import Target
    from tenacity import RetryCallState

POLL_SECONDS = 5
REQUEST_ATTEMPTS = 7
LONGEST_WAIT_SECONDS = 60
PARALLEL_DOWNLOADS = 8
# Of the five that Airflow's supervisor gives a task to end; the rest is for the thread that goes on.
CANCEL_SECONDS = 1.5


def operator(job: Job, target: Target) -> BaseOperator:
    """Return the task that runs this job on Databricks.

    Raises ValueError when the target lacks the settings for it.
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
    """Submits the run, waits for it, and copies the pages that the job wrote into the data docs of Airflow."""

    template_fields: Sequence[str] = (*DatabricksSubmitRunOperator.template_fields, "page_href")
    external_id_key = "databricks_submission"

    def __init__(self, *, job: Job, target: Target, **kwargs: Any) -> None:
        assert target.databricks is not None  # noqa: S101 (for mypy; `operator` has said so in words)
        self.json: dict[str, Any]
        super().__init__(
            # Without the compute: Databricks has references in braces too, which are not for Jinja.
            json=request(job),
            databricks_conn_id=target.databricks.connection,
            polling_period_seconds=POLL_SECONDS,
            databricks_retry_args={"stop": stop_after_attempt(REQUEST_ATTEMPTS), "wait": wait_as_asked},
            deferrable=False,
            # They would go into the wheel's named parameters, beside which it takes no argument list.
            openlineage_inject_parent_job_info=False,
            openlineage_inject_transport_info=False,
            **kwargs,
        )
        self.databricks, self.home = target.databricks, target.home
        self.page_href = job.page.href if job.page else ""
        self._context: Context | None = None
        if job.page:
            self.operator_extra_links: Any = (*self.operator_extra_links, PageLink(job.page.name))

    @property
    def argv(self) -> list[str]:
        """The job's arguments; `execute` removes empty ones."""
        arguments: list[str] = self.json["tasks"][0]["python_wheel_task"]["parameters"]
        return arguments

    def execute(self, context: Context) -> None:
        """Run the job. Exit status 2 and 3 fail the task for good, any other but 0 lets Airflow retry."""
        # Before anything is paid for.
        refuse_unknown_fields(context)
        data_docs()
        self.argv[:] = [argument for argument in self.argv if argument]
        # The argument list says all; the provider would add the DAG's params as named parameters.
        self.params = {}
        self._context = context
        try:
            super().execute(context)
        except AirflowException as error:
            raise self._explained(error, context) from None
        for table in self._bring_pages(context).tables:
            self.log.info("%-28s %12s rows", table.table, f"{table.rows:,}")

    def execute_resumable(self, context: Context) -> None:
        """Wait for the run of the latest submission if it is usable, else submit and wait for a new one."""
        latest = context["task_state_store"].get(self.external_id_key)
        if not (isinstance(latest, dict) and self._is_usable(latest, context)):
            # A name of its own, since those of runs and tasks are the same in another Airflow or a new database.
            new = {"generation": _generation(context), "token": secrets.token_hex(32), "run_id": None}
            self._submit(new, context)
        self.poll_until_complete(self.run_id, context)

    def _is_usable(self, submission: dict[str, Any], context: Context) -> bool:
        """Whether a submission's run is active or has succeeded, and the task has not been cleared since.

        Otherwise the run has ended when this returns, so that no two runs work on the same tables.
        """
        if submission["run_id"] is None:
            # Nobody knows whether that request arrived. With its token it is the same submission.
            self._submit(submission, context)
        else:
            self.run_id = submission["run_id"]
        status = self.get_job_status(self.run_id, context)
        cleared = submission["generation"] != _generation(context)
        if self.is_job_active(status) and (cleared or status.startswith("TERMINATING")):
            self.log.info("Waiting for the end of run %s, which is canceled", self.run_id)
            self._hook.cancel_run(self.run_id)
            while self.is_job_active(status):
                time.sleep(self.polling_period_seconds)
                status = self.get_job_status(self.run_id, context)
        return not cleared and (self.is_job_active(status) or self.is_job_succeeded(status))

    def _submit(self, submission: dict[str, Any], context: Context) -> None:
        """Submit a run, or find the one with the submission's token. Sets `run_id`."""
        self.run_id = None
        self.json = self._on_compute()
        # Kept before anything is sent: whoever comes after a lost answer asks with the same token.
        context["task_state_store"].set(self.external_id_key, submission)
        self.idempotency_token = submission["token"]
        try:
            run_id = self.submit_job(context)
        except DatabricksApiError as error:
            if error.http_status_code == 400:
                # Refused for what is in it: no run has this token, so nobody needs to ask.
                context["task_state_store"].delete(self.external_id_key)
            raise
        context["task_state_store"].set(self.external_id_key, {**submission, "run_id": run_id})

    def _on_compute(self) -> dict[str, Any]:
        """The body of the request: the job, on the target's compute, with the wheel that was deployed last."""
        from platforms import databricks_client as client  # the SDK takes a second to import

        try:
            client.require_known(self.databricks.new_cluster or {})
        except client.ClusterProblem as error:
            raise AirflowFailException(f"targets.toml: {error}") from None
        wheel = client.deployed_wheel(self.databricks_conn_id, self.home)
        if wheel is None:
            raise AirflowFailException(f"no wheel has been deployed to {self.home}/wheels; run `make deploy`")
        return on_compute(self.json, self.databricks, wheel)

    def get_job_status(self, external_id: JsonValue, context: Context) -> str:
        """Return the state of a run; `NOT_FOUND:` for one that Databricks has deleted, for which it answers 400."""
        try:
            return super().get_job_status(external_id, context)
        except DatabricksApiError as error:
            if error.http_status_code == 400 and "does not exist" in str(error):
                return "NOT_FOUND:"
            raise

    def on_kill(self) -> None:
        """Cancel the run.

        In a thread: Airflow calls this from a signal handler, which as a rule interrupts a request of this very
        thread to the supervisor, and the hook has requests to it too, which would wait for that one forever.
        """
        cancelling = threading.Thread(target=self._cancel)
        cancelling.start()
        cancelling.join(CANCEL_SECONDS)

    def _cancel(self) -> None:
        if self.run_id is None and self.idempotency_token and self._context:
            # Killed before the answer to the submission came; the same token brings the same run.
            self.submit_job(self._context)
        super().on_kill()  # type: ignore[no-untyped-call]

    def _explained(self, error: AirflowException, context: Context) -> AirflowException:
        """Return the failure with the message of the job's run result, if there is one."""
        exit_status = re.search(r"SystemExit: (\d+)", str(error))
        if not exit_status:
            return error
        status, message = int(exit_status[1]), str(error)
        try:
            result = self._bring_pages(context)
        except Exception as lost:
            self.log.warning("The pages of this run could not be fetched: %s", lost)
        else:
            message = result.message if result.exit == status else message
        return failure(self.task_id, status, f"exit {status}", message)

    def _bring_pages(self, context: Context) -> RunResult:
        """Copy the pages that the job wrote into the data docs of this machine; return the job's run result."""
        from platforms.databricks_client import workspace_client  # the SDK takes a second to import

        files = workspace_client(self.databricks_conn_id).files
        docs = data_docs()

        def bring(page: str) -> bytes:
            target = (docs / page).resolve()
            if not target.is_relative_to(docs.resolve()):
                raise AirflowException(f"the job's result names a page outside the data docs: {page[:200]}")
            if "/static/" in page and target.exists():
                return b""
            contents = files.download(f"{self.home}/data-docs/{page}").contents
            if contents is None:
                raise AirflowException(f"{self.home}/data-docs/{page} has no contents")
            data = contents.read()
            _write_atomically(target, data)
            return data

        result = RunResult.from_json(bring(result_of(context["run_id"], self.task_id)))
        with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as pool:
            list(pool.map(bring, result.pages))
        return result


def _generation(context: Context) -> int:
    """Return a number that changes when the task is cleared, not when it is retried: clearing raises `max_tries`."""
    return int(context["ti"].max_tries or 0)


def wait_as_asked(state: RetryCallState) -> float:
    """Return the seconds before the next request: the answer's Retry-After, else an exponential back-off."""
    error = state.outcome.exception() if state.outcome else None
    asked = getattr(getattr(error, "response", None), "headers", {}).get("Retry-After", "")
    if asked.isdecimal():
        return min(float(asked), LONGEST_WAIT_SECONDS)
    return wait_exponential(min=1, max=LONGEST_WAIT_SECONDS / 2)(state)


def _write_atomically(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(file)
