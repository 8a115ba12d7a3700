"""Webhooks that are notified of failed runs and of a night's alerts, if their connections exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from airflow.sdk import BaseNotifier, Connection
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret
from job import data_docs, night_of, result_of

from catalog.run_result import RunResult

if TYPE_CHECKING:
    from airflow.sdk import Context

TIMEOUT_SECONDS = 10


class Webhook(BaseNotifier):
    """Posts messages to the address in the password of a connection, if that exists."""

    connection: str

    def post(self, text: str) -> None:
        """Post a message. An error is only logged; it never fails the task."""
        try:
            address = Connection.get(self.connection).password or ""
        except AirflowNotFoundException:
            return
        # Whoever has a webhook's address can post to it.
        mask_secret(address)
        if not address.startswith(("https://", "http://")):
            self.complain("the password is no https://… address")
            return
        try:
            answer = requests.post(address, json={"text": text}, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            # Not its text, which repeats the address.
            self.complain(type(error).__name__)
            return
        if not answer.ok:
            self.complain(f"HTTP {answer.status_code}")

    def complain(self, reason: str) -> None:
        """Log why nobody was notified."""
        self.log.error("Nobody was notified: connection %s: %s", self.connection, reason)


class FailureNotifier(Webhook):
    """Posts one message about a run that failed for good; nothing without the connection.

    For DAGs, not for tasks: a task's own callback runs in the task's process, and nowhere when that was killed. A
    DAG's is asked for by the scheduler, once, whatever ended the task, and runs in the DAG processor.
    """

    connection = "lakehouse_notify"

    def notify(self, context: Context) -> None:
        """Post which task failed last, in which run and night, and the address of its log."""
        dag_id, ti = context["dag"].dag_id, context.get("ti")
        if ti is None:
            # Airflow could not say which task.
            self.post(f"{dag_id} failed (run {context['run_id']})")
        else:
            self.post(f"{dag_id}: {ti.task_id} failed ({_about(context)})\n{ti.log_url}")


class AlertNotifier(Webhook):
    """Posts how many alerts a night raised, once its report is written; nothing for a night without alerts.

    They are read from the report's run result, which is in the data docs of this machine wherever the job ran.
    """

    connection = "lakehouse_alerts"

    def notify(self, context: Context) -> None:
        """Post how many there are of each severity, and the address of their page."""
        alerts = _alerts(context["run_id"], context["ti"].task_id)
        if not alerts:
            return
        counts = ", ".join(f"{count:,} {severity.lower()}" for severity, count in sorted(alerts.items()))
        base = conf.get("api", "base_url", fallback="http://localhost:8080").rstrip("/")
        page = base + getattr(context["task"], "page_href", "")
        self.post(f"{context['ti'].dag_id}: alerts: {counts} ({_about(context)})\n{page}")


def _alerts(run_id: str, stage: str) -> dict[str, int]:
    """Return severity -> number of alerts, from a step's run result; empty if it has none."""
    try:
        result = RunResult.from_json((data_docs() / result_of(run_id, stage)).read_bytes())
    except FileNotFoundError:
        return {}
    found = [table.detail.get("alerts", {}) for table in result.tables]
    return {severity: count for alerts in found for severity, count in alerts.items()}


def _about(context: Context) -> str:
    """Return the run and its night or nights, in words."""
    params = context["params"]
    about = f"run {context['run_id']}"
    if "night" in params:
        about = f"night {night_of(context['dag_run'], params)}, {about}"
    if "first" in params:
        about = f"nights {params['first']} to {params['last']}, {about}"
    return about
