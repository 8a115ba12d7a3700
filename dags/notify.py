"""Who is notified of failed runs and of a night's alerts, by webhook and by mail, if the connections exist."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import incidents
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


class Notifier(BaseNotifier):
    """Sends messages to a webhook and by mail, each if its connection exists."""

    webhook = "lakehouse_notify"  # has the address as its password
    mailbox = (
        "lakehouse_mail"  # has the mail server, and in its extra fields who gets mail, `to`, and from whom
    )

    def send(self, text: str) -> None:
        """Send a message, of which the first line says it all. An error is only logged; it never fails the task."""
        for way, connection_id in ((self._post, self.webhook), (self._mail, self.mailbox)):
            try:
                if connection_id:
                    way(Connection.get(connection_id), text)
            except AirflowNotFoundException:
                continue
            except NotSentError as error:
                self.log.error("Nobody was notified by connection %s: %s", connection_id, error)

    def _post(self, connection: Connection, text: str) -> None:
        address = connection.password or ""
        # Whoever has a webhook's address can post to it.
        mask_secret(address)
        if not address.startswith(("https://", "http://")):
            raise NotSentError("the password is no https://… address")
        try:
            answer = requests.post(address, json={"text": text}, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            # Not its text, which repeats the address.
            raise NotSentError(type(error).__name__) from None
        if not answer.ok:
            raise NotSentError(f"HTTP {answer.status_code}")

    def _mail(self, connection: Connection, text: str) -> None:
        from airflow.providers.smtp.hooks.smtp import SmtpHook  # every process reads this module

        to = connection.extra_dejson.get("to")
        if not to or not connection.extra_dejson.get("from_email"):
            raise NotSentError('the extra fields lack "to" or "from_email"')
        content = "<br>".join(html.escape(line) for line in text.splitlines())
        try:
            with SmtpHook(connection.conn_id) as mail:
                mail.send_email_smtp(to=to, subject=text.splitlines()[0], html_content=content)
        except Exception as error:
            # Of the server, of TLS or of Airflow; their texts may repeat what the connection has.
            raise NotSentError(type(error).__name__) from None


class NotSentError(Exception):
    """Why a message was not sent, without any secret."""


class FailureNotifier(Notifier):
    """Sends one message about a run that failed for good; nothing without the connections.

    For DAGs, not for tasks: a task's own callback runs in the task's process, and nowhere when that was killed. A
    DAG's is asked for by the scheduler, once, whatever ended the task, and runs in the DAG processor.
    """

    def notify(self, context: Context) -> None:
        """Send which task failed last, in which run and night, and the address of its log."""
        dag_id, ti = context["dag"].dag_id, context.get("ti")
        if ti is None:
            # Airflow could not say which task.
            self.send(f"{dag_id} failed (run {context['run_id']})")
        else:
            self.send(f"{dag_id}: {ti.task_id} failed ({_about(context)})\n{ti.log_url}")


class StreamFailureNotifier(FailureNotifier):
    """Sends one message about the first of a stream's runs that failed, and none about those that fail after it.

    The incident is that of `deadlines.StoppedStream`, and ends with a run that went well (`deadlines.Recovery`). Runs
    by hand are a message each, for they may ask for what no other run does.
    """

    def notify(self, context: Context) -> None:
        """Send it unless somebody was notified since a run went well."""
        run = context.get("dag_run")
        is_by_hand = run is not None and run.run_type == "manual"
        if is_by_hand or incidents.begin(context["dag"].dag_id):
            super().notify(context)


class AlertNotifier(Notifier):
    """Posts how many alerts a night raised, once its report is written; nothing for a night without alerts.

    They are read from the report's run result, which is in the data docs of this machine wherever the job ran.
    """

    webhook = "lakehouse_alerts"
    mailbox = ""  # who operates the platform is not who looks after devices

    def notify(self, context: Context) -> None:
        """Post how many there are of each severity, and the address of their page."""
        alerts = _alerts(context["run_id"], context["ti"].task_id)
        if not alerts:
            return
        counts = ", ".join(f"{count:,} {severity.lower()}" for severity, count in sorted(alerts.items()))
        page = address_of(getattr(context["task"], "page_href", ""))
        self.send(f"{context['ti'].dag_id}: alerts: {counts} ({_about(context)})\n{page}")


def address_of(path: str) -> str:
    """Return the address at which people see a page of Airflow's UI."""
    return str(conf.get("api", "base_url", fallback="http://localhost:8080")).rstrip("/") + path


def run_result(run_id: str, step: str) -> RunResult | None:
    """Return a step's run result, from the data docs of this machine wherever the job ran; None if it has none."""
    try:
        return RunResult.from_json((data_docs() / result_of(run_id, step)).read_bytes())
    except FileNotFoundError:
        return None


def _alerts(run_id: str, step: str) -> dict[str, int]:
    """Return severity -> number of alerts, from a step's run result; empty if it has none."""
    result = run_result(run_id, step)
    found = [table.detail.get("alerts", {}) for table in result.tables] if result else []
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
