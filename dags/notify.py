"""Who is told when a night fails, and what there is to look at when it does not: webhooks, if connections name any."""

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
    """Posts messages to the address that is the password of a connection, if there is one."""

    connection: str

    def post(self, text: str) -> None:
        """Post a message. What goes wrong with that is a line in the task's log and changes nothing else."""
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
        """Say in the task's log why nobody was told."""
        self.log.error("Nobody was told: connection %s: %s", self.connection, reason)


class FailureNotifier(Webhook):
    """Posts one message about a task that failed for good; sends nothing where there is no connection.

    For tasks, not for DAGs: a task's callback runs in the task's own process, which has the network and the
    connections of tasks. A DAG's runs in the DAG processor, which in the containers has no way out. What comes
    after a failed task does not run, so a failed night is one message.
    """

    connection = "lakehouse_notify"

    def notify(self, context: Context) -> None:
        """Say what failed, in which run, about which night, and where to look."""
        ti = context["ti"]
        self.post(f"{ti.dag_id}: {ti.task_id} failed ({_about(context)})\n{ti.log_url}")


class AlertNotifier(Webhook):
    """Posts how many alerts a night raised, once its report stands; nothing about a night without any.

    The report's own result says so. It lies in the data docs of this machine, wherever the job ran.
    """

    connection = "lakehouse_alerts"

    def notify(self, context: Context) -> None:
        """Say how many there are of each severity, and where they are listed."""
        alerts = _alerts(context["run_id"], context["ti"].task_id)
        if not alerts:
            return
        counts = ", ".join(f"{count:,} {severity.lower()}" for severity, count in sorted(alerts.items()))
        base = conf.get("api", "base_url", fallback="http://localhost:8080").rstrip("/")
        page = base + getattr(context["task"], "page_href", "")
        self.post(f"{context['ti'].dag_id}: alerts: {counts} ({_about(context)})\n{page}")


def _alerts(run_id: str, stage: str) -> dict[str, int]:
    """Severity -> number of alerts, from the result that a step left; none where it names none."""
    try:
        result = RunResult.from_json((data_docs() / result_of(run_id, stage)).read_bytes())
    except FileNotFoundError:
        return {}
    told = [table.detail.get("alerts", {}) for table in result.tables]
    return {severity: count for alerts in told for severity, count in alerts.items()}


def _about(context: Context) -> str:
    """The run, and the night or nights that it is about."""
    params = context["params"]
    about = f"run {context['run_id']}"
    if "night" in params:
        about = f"night {night_of(context['dag_run'], params)}, {about}"
    if "first" in params:
        about = f"nights {params['first']} to {params['last']}, {about}"
    return about
