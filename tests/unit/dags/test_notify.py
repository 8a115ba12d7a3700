"""Notifications of failed tasks and of a night's alerts, received by a real server."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from notify import AlertNotifier, FailureNotifier

from catalog.run_result import TableEntry
from tests.support.http_server import Webhook, serving
from tests.support.run_results import leave, result
from tests.support.smtp_server import SmtpServer

LINK = "http://localhost:8080/dags/iot_nightly/runs/r1/tasks/check_silver?try_number=1"


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """A server whose address is that of the connection."""
    with serving(Webhook()) as server:
        connect(monkeypatch, server.address)
        yield server


class Recorder:
    """A logger that keeps what is logged."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def error(self, message: str, *values: object) -> None:
        self.lines.append(message % values)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the notifier says in the task's log."""
    recorder = Recorder()
    monkeypatch.setattr(FailureNotifier, "log", recorder)
    return recorder.lines


def connect(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    connection = json.dumps({"conn_type": "http", "password": address})
    for name in ("NOTIFY", "ALERTS"):
        monkeypatch.setenv(f"AIRFLOW_CONN_LAKEHOUSE_{name}", connection)


def failed(params: dict[str, Any]) -> Any:
    """The context that Airflow gives a callback; to a DAG's about the task that failed last."""
    ti = SimpleNamespace(dag_id="iot_nightly", task_id="check_silver", log_url=LINK)
    dag_run = SimpleNamespace(run_after=datetime(2024, 3, 6, 1, tzinfo=UTC), logical_date=None)
    return {"dag": DAG("iot_nightly"), "ti": ti, "run_id": "r1", "params": params, "dag_run": dag_run}


@pytest.mark.parametrize(
    ("params", "about"),
    [
        ({"night": "2024-03-04", "scale": 1}, "night 2024-03-04, run r1"),
        ({"night": None}, "night 2024-03-05, run r1"),
        ({"first": "2024-02-28", "last": "2024-03-01"}, "nights 2024-02-28 to 2024-03-01, run r1"),
        ({"vacuum_days": 7}, "run r1"),
    ],
    ids=str,
)
def test_a_failure_is_one_message_with_dag_run_night_task_and_link(
    webhook: Webhook, params: dict[str, Any], about: str
) -> None:
    FailureNotifier()(failed(params))
    text = f"iot_nightly: check_silver failed ({about})\n{LINK}"
    assert webhook.posts == [("/services/T0/s3cret", {"text": text})]


def test_a_failure_of_which_airflow_does_not_know_the_task_is_a_message_too(webhook: Webhook) -> None:
    FailureNotifier()({"dag": DAG("iot_nightly"), "run_id": "r1", "reason": "all_tasks_deadlocked"})
    assert webhook.posts == [("/services/T0/s3cret", {"text": "iot_nightly failed (run r1)"})]


def test_without_the_connection_nothing_is_sent_and_nothing_is_wrong(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, log: list[str]
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_LAKEHOUSE_NOTIFY")
    FailureNotifier()(failed({}))
    assert webhook.posts == log == []


@pytest.mark.parametrize(
    ("address", "status", "complaint"),
    [
        (None, 500, "HTTP 500"),
        ("http://127.0.0.1:1/services/T0/s3cret", 200, "ConnectionError"),
        ("http:///services/T0/s3cret", 200, "InvalidURL"),
        ("hooks.slack.com/services/T0/s3cret", 200, "is no https://… address"),
        ("", 200, "is no https://… address"),
    ],
)
def test_a_message_that_cannot_be_sent_is_a_line_in_the_log_without_the_address(
    webhook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
    log: list[str],
    address: str | None,
    status: int,
    complaint: str,
) -> None:
    webhook.status = status
    if address is not None:
        connect(monkeypatch, address)
    FailureNotifier()(failed({"night": "2024-03-04"}))
    (line,) = log
    assert line.startswith("Nobody was notified by connection lakehouse_notify: ")
    assert complaint in line and "s3cret" not in line


def test_a_failure_is_mailed_too_where_there_is_a_mail_server(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(SmtpServer()) as server:
        monkeypatch.setenv("AIRFLOW_CONN_LAKEHOUSE_MAIL", json.dumps(server.connection))
        FailureNotifier()(failed({"night": "<b>"}))
        # Whoever looks after devices has a webhook of his own.
        AlertNotifier().send("alerts")
    (mail,) = server.mails
    subject = "iot_nightly: check_silver failed (night <b>, run r1)"
    assert (mail.message["From"], mail.message["Subject"]) == ("lake@example.com", subject)
    assert mail.recipients == ["ops@example.com", "night@example.com"]
    assert mail.text == f"{html.escape(subject)}<br>{LINK}"
    assert len(webhook.posts) == 2


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"extra": {}}, 'the extra fields lack "to" or "from_email"'),
        ({"port": 1}, "ConnectionRefusedError"),
        ({"login": "lake", "password": "s3cret"}, "SMTPNotSupportedError"),
    ],
    ids=str,
)
def test_a_mail_that_cannot_be_sent_is_a_line_in_the_log_and_the_webhook_is_notified(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, log: list[str], changed: dict[str, Any], complaint: str
) -> None:
    with serving(SmtpServer()) as server:
        monkeypatch.setenv("AIRFLOW_CONN_LAKEHOUSE_MAIL", json.dumps(server.connection | changed))
        FailureNotifier()(failed({"night": "2024-03-04"}))
    assert log == [f"Nobody was notified by connection lakehouse_mail: {complaint}"]
    assert len(webhook.posts) == 1 and server.mails == []


@pytest.fixture
def reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, int] | None], Any]:
    """Write a run result with alerts, and return the context of its task's callback."""
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path))

    def context(alerts: dict[str, int] | None) -> Any:
        detail: dict[str, Any] = {"summary": "all is well"} if alerts is None else {"alerts": alerts}
        entry = TableEntry("ops.row_accounts", 1, detail)
        leave(tmp_path / "data-docs", result("report", entry, run_id="by_hand"))
        given = failed({"night": "2024-03-04"})
        given["ti"].task_id, given["run_id"] = "report", "by:hand"
        return given | {"task": SimpleNamespace(page_href="/plugin/night-report/nights/2024-03-04.html")}

    return context


def test_a_night_with_alerts_is_one_message_with_their_number_by_severity(
    webhook: Webhook, reported: Callable[[dict[str, int]], Any]
) -> None:
    AlertNotifier()(reported({"Warning": 7, "Critical": 1203}))
    ((_, body),) = webhook.posts
    text, page = body["text"].splitlines()
    assert text == "iot_nightly: alerts: 1,203 critical, 7 warning (night 2024-03-04, run by:hand)"
    assert page.startswith("http://") and page.endswith("/plugin/night-report/nights/2024-03-04.html")


@pytest.mark.parametrize("alerts", [{}, None], ids=["no alerts", "a result about other things"])
def test_a_night_without_alerts_is_no_message(
    webhook: Webhook, reported: Callable[[dict[str, int] | None], Any], alerts: dict[str, int] | None
) -> None:
    AlertNotifier()(reported(alerts))
    assert webhook.posts == []


def test_a_task_that_left_no_result_is_no_message(
    webhook: Webhook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: list[str]
) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path))
    AlertNotifier()(failed({"night": None}))
    assert webhook.posts == log == []
