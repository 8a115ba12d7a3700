"""What does not come in time: deadlines as Airflow keeps, misses and calls back for them, and who hears of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import deadlines
import incidents
import pytest
from airflow.sdk import DAG
from chain import receive_jobs
from deadlines import Recovery, SilentSources
from notify import StreamFailureNotifier
from targets import load_target

from catalog.run_result import FAILED, TableEntry
from tests.support.http_server import Webhook, serving
from tests.support.run_results import leave, result
from tests.support.smtp_server import SmtpServer

DUE = datetime(2024, 3, 6, 1, tzinfo=UTC)


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with serving(Webhook()) as server:
        connection = json.dumps({"conn_type": "http", "password": server.address})
        monkeypatch.setenv("AIRFLOW_CONN_LAKEHOUSE_NOTIFY", connection)
        yield server


def said(webhook: Webhook) -> list[str]:
    """The first line of each message."""
    return [body["text"].splitlines()[0] for _, body in webhook.posts]


@pytest.fixture
def missed(stored: dict[str, Any], session: Any, lake: Path) -> Callable[..., timedelta | None]:
    """Let a run miss its deadline: Airflow keeps it, and its executor calls back; returns how long after it was due.

    None for a run without a deadline.
    """
    from airflow.models.deadline import Deadline
    from airflow.sdk.execution_time.callback_supervisor import execute_callback
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType
    from sqlalchemy import select

    def miss(
        dag_id: str,
        run_id: str,
        kind: str = "scheduled",
        state: str = "running",
        *,
        due: datetime = DUE,
        times: int = 1,
    ) -> timedelta | None:
        begins = due - timedelta(days=1) if dag_id == "iot_nightly" else due
        begins = None if kind == "manual" else begins
        run = stored[dag_id].create_dagrun(
            run_id=run_id,
            run_after=due,
            logical_date=begins,
            data_interval=(begins, due) if begins else None,
            run_type=DagRunType(kind),
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.QUEUED,
            session=session,
        )
        run.state = DagRunState(state)
        session.flush()
        deadline = session.scalars(select(Deadline).where(Deadline.dagrun_id == run.id)).one_or_none()
        if deadline is None:
            return None
        deadline.handle_miss(session)
        session.flush()
        session.refresh(deadline.callback)
        data = deadline.callback.data
        log = SimpleNamespace(**dict.fromkeys(("debug", "info", "exception"), lambda *_, **__: None))
        # Nobody knows whether a process that was killed had called back, so Airflow may do it again.
        for _ in range(times):
            assert execute_callback(data["path"], data["kwargs"], Path("unused.py"), None, log) == (
                True,
                None,
            )
        return deadline.deadline_time - due

    return miss


def succeeded(dag_id: str, task_id: str, followed_by: set[str], run_id: str = "r1", **params: Any) -> Any:
    """The context of the callback of a task that was done."""
    run = SimpleNamespace(run_after=DUE, logical_date=DUE - timedelta(days=1))
    task = SimpleNamespace(task_id=task_id, downstream_task_ids=followed_by)
    return {"dag": DAG(dag_id), "task": task, "run_id": run_id, "dag_run": run, "params": params}


def test_a_night_that_is_not_published_by_its_hour_is_one_message_and_one_when_it_is(
    missed: Callable[..., timedelta | None], webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(SmtpServer()) as mail:
        monkeypatch.setenv("AIRFLOW_CONN_LAKEHOUSE_MAIL", json.dumps(mail.connection))
        assert missed("iot_nightly", "scheduled__r1", times=2) == timedelta(hours=6)
        late = (
            "iot_nightly: night 2024-03-05 is not published yet, 6 hours after it was due (run scheduled__r1)"
        )
        link = "http://localhost:8080/dags/iot_nightly/runs/scheduled__r1"
        assert [body for _, body in webhook.posts] == [{"text": f"{late}\n{link}"}]
        (sent,) = mail.mails
        assert (sent.sender, sent.recipients) == (
            "lake@example.com",
            ["ops@example.com", "night@example.com"],
        )
        assert (sent.message["Subject"], sent.text) == (late, f"{late}<br>{link}")
        # What is done before or after its publishing does not end it.
        Recovery()(succeeded("iot_nightly", "check_gold", {"publish"}, night=None))
        Recovery()(succeeded("iot_nightly", "report", set(), night=None))
        assert len(webhook.posts) == 1
        for _ in range(2):
            Recovery()(succeeded("iot_nightly", "publish", {"report"}, night=None))
        over = "iot_nightly: night 2024-03-05 is published, 0 h 0 min after somebody was notified (run r1)"
        assert said(webhook)[1:] == [over] and [each.message["Subject"] for each in mail.mails[1:]] == [over]


def test_a_backfill_publishes_late_nights_too(
    missed: Callable[..., timedelta | None], webhook: Webhook
) -> None:
    missed("iot_nightly", "scheduled__r1")
    for first, last in (("2024-03-06", "2024-03-07"), ("2024-02-28", "2024-03-05")):
        Recovery()(succeeded("iot_backfill", "backfill", set(), first=first, last=last))
    _, over = said(webhook)
    assert over.startswith("iot_backfill: night 2024-03-05 is published, 0 h 0 min after")


@pytest.mark.parametrize("kind", ["manual", "backfill", "asset_triggered"])
def test_only_scheduled_nights_have_an_hour(
    missed: Callable[..., timedelta | None], webhook: Webhook, kind: str
) -> None:
    assert (missed("iot_nightly", "r1", kind) is None) == (kind == "manual")
    assert webhook.posts == []


def test_a_run_that_failed_has_been_notified_of(
    missed: Callable[..., timedelta | None], webhook: Webhook
) -> None:
    missed("iot_nightly", "r1", state="failed")
    assert webhook.posts == []


@pytest.mark.parametrize(("status", "messages"), [("done", 0), (FAILED, 1)])
def test_a_night_that_is_published_is_not_late_though_its_report_is(
    missed: Callable[..., timedelta | None], webhook: Webhook, lake: Path, status: str, messages: int
) -> None:
    leave(lake / "data-docs", result("publish", run_id="scheduled__r1", status=status))
    missed("iot_nightly", "scheduled__r1")
    assert len(webhook.posts) == messages


@pytest.mark.parametrize(
    ("dag_id", "step"), [("iot_stream", "stream_live_sensors"), ("iot_receive", "receive")]
)
def test_a_stream_that_stopped_is_one_message_and_one_when_it_goes_on(
    missed: Callable[..., timedelta | None], webhook: Webhook, lake: Path, dag_id: str, step: str
) -> None:
    now = datetime.now(UTC)
    before, since = (str(now + timedelta(hours=hours)) for hours in (-1, 1))
    # One that went well before, and others that did not.
    leave(lake / "data-docs", result(step, run_id="r0", ended_at=before))
    leave(lake / "data-docs", result(step, run_id="r1", ended_at=since, status=FAILED))
    leave(lake / "data-docs", result("stream_iot_events", run_id="r2", ended_at=since))
    for number in range(2):
        due = DUE + timedelta(minutes=15 * number)
        assert missed(dag_id, f"r{number}", state="failed", due=due) == timedelta(hours=1)
    (message,) = said(webhook)
    assert message.startswith(f"{dag_id}: no run went well since {now:%Y-%m-%d %H}:")
    Recovery()(succeeded(dag_id, "stream_iot_events", {"stream_transactions"}))
    assert len(webhook.posts) == 1
    Recovery()(succeeded(dag_id, step, set()))
    assert said(webhook)[1:] == [
        f"{dag_id}: runs go well again, 0 h 0 min after somebody was notified (run r1)"
    ]


def test_a_stream_of_which_a_later_run_went_well_has_not_stopped(
    missed: Callable[..., timedelta | None], webhook: Webhook, lake: Path
) -> None:
    since = str(datetime.now(UTC) + timedelta(minutes=1))
    leave(lake / "data-docs", result("receive", run_id="r2", ended_at=since))
    other = lake / "data-docs/runs/r3/receive.json"
    other.parent.mkdir()
    other.write_text("of another version")
    missed("iot_receive", "r1", state="failed")
    assert webhook.posts == []


def failed(run_id: str, kind: str = "scheduled") -> Any:
    """The context of the callback of a stream's run that failed."""
    ti = SimpleNamespace(task_id="receive", log_url="http://localhost:8080/log")
    run = SimpleNamespace(run_type=kind, run_after=DUE, logical_date=DUE)
    return {"dag": DAG("iot_receive"), "ti": ti, "run_id": run_id, "dag_run": run, "params": {}}


def test_a_stream_whose_runs_fail_is_one_message_and_one_when_a_run_goes_well(
    missed: Callable[..., timedelta | None], webhook: Webhook, lake: Path
) -> None:
    # The second is one whose task Airflow does not know.
    for context in (failed("r1"), {"dag": DAG("iot_receive"), "run_id": "r2"}, failed("r3", "backfill")):
        StreamFailureNotifier()(context)
    # Nor has it begun anew when it has failed for an hour.
    missed("iot_receive", "r1", state="failed")
    assert said(webhook) == ["iot_receive: receive failed (run r1)"]
    over = succeeded("iot_receive", "receive", set(), run_id="r5")
    for _ in range(2):
        Recovery()(over)
    assert said(webhook)[1:] == [
        "iot_receive: runs go well again, 0 h 0 min after somebody was notified (run r5)"
    ]
    StreamFailureNotifier()(failed("r6"))
    assert said(webhook)[2:] == ["iot_receive: receive failed (run r6)"]


def test_a_run_of_a_stream_by_hand_that_fails_is_a_message_of_its_own(webhook: Webhook, lake: Path) -> None:
    for run_id in ("m1", "m2"):
        StreamFailureNotifier()(failed(run_id, "manual"))
    StreamFailureNotifier()(failed("r1"))
    assert said(webhook) == [f"iot_receive: receive failed (run {run_id})" for run_id in ("m1", "m2", "r1")]


def test_where_nobody_said_where_the_lake_is_each_failure_is_a_message(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAKEHOUSE_HOME", raising=False)
    for run_id in ("r1", "r2"):
        StreamFailureNotifier()(failed(run_id))
    assert len(webhook.posts) == 2


def test_a_source_that_is_silent_is_one_message_and_one_when_rows_come_again(
    webhook: Webhook, lake: Path
) -> None:
    def reported(task_id: str = "report", **is_silent: bool) -> None:
        found = {name: {"last": "2024-03-03", "is_silent": silent} for name, silent in is_silent.items()}
        entry = TableEntry("ops.row_accounts", 1, {"summary": "", "deliveries": found})
        leave(lake / "data-docs", result(task_id, entry, run_id="r1"))
        ti = SimpleNamespace(dag_id="iot_nightly", task_id=task_id)
        task = SimpleNamespace(page_href="/plugin/night-report/nights/2024-03-05.html")
        context: Any = {"ti": ti, "task": task, "run_id": "r1"}
        SilentSources()(context)

    reported(readings=False, events=False)
    reported("publish", readings=True)
    assert webhook.posts == []
    for _ in range(2):
        reported(readings=True, events=False)
    assert said(webhook) == ["iot_nightly: readings: no rows since the night 2024-03-03 (run r1)"]
    assert webhook.posts[0][1]["text"].endswith(
        "\nhttp://localhost:8080/plugin/night-report/nights/2024-03-05.html"
    )
    # Of a run on other tables, or of a night of long ago, the report says nothing.
    reported()
    reported(events=True)
    for _ in range(2):
        reported(readings=False, events=True)
    _, second, third = said(webhook)
    assert "events: no rows" in second and third.startswith(
        "iot_nightly: readings: rows came again, somebody"
    )


def test_the_target_says_by_when_a_night_is_published(
    lake: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = 'platform = "local"\ncatalog = "c"\nprefix = ""\nhome = "h"\n'
    file = tmp_path / "targets.toml"

    def hours(text: str) -> Any:
        file.write_text(f"[local]\n{lines}{text}")
        monkeypatch.setattr(deadlines, "load_target", lambda: load_target(file=file))
        return deadlines.published_in_time()

    assert hours("").interval == timedelta(days=1, hours=6)
    assert hours("published_within_hours = 4").interval == timedelta(days=1, hours=4)
    assert hours("published_within_hours = 0") is None
    for wrong in ('"4"', "-1", "true"):
        with pytest.raises(ValueError, match=r"\[local\]: published_within_hours"):
            hours(f"published_within_hours = {wrong}")


def test_dags_without_a_schedule_of_their_own_have_no_deadline(bag: Any) -> None:
    with_one = {dag_id for dag_id, dag in bag.dags.items() if dag.deadline}
    assert with_one == {"iot_nightly", "iot_stream", "iot_receive"}


@pytest.mark.parametrize(
    ("executor", "is_watched"),
    [
        ("LocalExecutor", True),
        ("airflow.providers.celery.executors.celery_executor.CeleryExecutor,LocalExecutor", True),
        ("KubernetesExecutor,LocalExecutor", False),
        ("LocalKubernetesExecutor", False),
    ],
)
def test_an_executor_that_runs_no_callbacks_is_given_no_deadline(
    lake: Path, monkeypatch: pytest.MonkeyPatch, executor: str, is_watched: bool
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", executor)
    assert bool(deadlines.published_in_time()) == bool(deadlines.goes_on(receive_jobs)) == is_watched


def test_of_several_that_begin_or_end_an_incident_at_once_one_does(lake: Path) -> None:
    began = datetime(2024, 3, 6, 7, tzinfo=UTC)
    assert [incidents.begin("a:b", began) for _ in range(3)] == [True, False, False]
    assert [incidents.end("a:b") for _ in range(2)] == [began, None]
    assert incidents.begin("a:b")


def test_an_incident_that_cannot_be_kept_is_notified_of_all_the_same(lake: Path) -> None:
    (lake / "incidents").write_text("a file where a folder should be")
    assert incidents.begin("a") and incidents.begin("a")


def test_an_incident_that_was_not_written_to_its_end_ends_too(lake: Path) -> None:
    incidents.begin("a")
    (lake / "incidents" / "a").write_text("")
    assert incidents.end("a") is not None and incidents.end("a") is None
