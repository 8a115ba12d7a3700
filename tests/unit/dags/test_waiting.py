"""The tab of a run says what it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.airflow_home import log_in

MOMENT = datetime(2024, 3, 6, 1, tzinfo=UTC)


@pytest.fixture
def run(stored: dict[str, Any], session: Any) -> Any:
    """Add a run in some state, some of whose tasks are in other states than none."""
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    def add(name: str, state: str, **tasks: str) -> Any:
        added = stored["iot_nightly"].create_dagrun(
            run_id=name,
            run_after=MOMENT,
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState(state),
            start_date=MOMENT,
            session=session,
        )
        for task in added.get_task_instances(session=session):
            task.state, task.start_date = tasks.get(task.task_id), MOMENT + timedelta(minutes=5)
        session.flush()
        return added

    return add


def waits(session: Any, run: Any, seen: str = "") -> tuple[str, list[str]]:
    from waiting import waits_for

    return waits_for(session, run, lambda dag_id: dag_id.startswith(seen))


def test_a_queued_run_waits_for_one_of_those_at_work(session: Any, run: Any) -> None:
    run("first", "running")
    queued = run("third", "queued")
    assert waits(session, queued) == ("For nothing: the scheduler starts it within seconds.", [])
    run("second", "running")
    assert waits(session, queued) == (
        "It waits until one of the 2 runs that are at work has ended; no more of them work at a time.",
        ["first, since 2024-03-06 01:00 UTC", "second, since 2024-03-06 01:00 UTC"],
    )


def test_a_run_of_a_dag_that_is_switched_off_waits_for_that(session: Any, run: Any) -> None:
    from airflow.models.dag import DagModel

    session.get_one(DagModel, "iot_nightly").is_paused = True
    assert waits(session, run("queued", "queued")) == ("It waits until iot_nightly is switched on.", [])


@pytest.mark.parametrize(
    ("tasks", "says"),
    [
        ({"generate": "success", "bronze": "running"}, "For nothing: bronze is at work, since 2024-03-06 01:05 UTC."),
        ({"generate": "up_for_retry"}, "It waits to try generate again; the log of that task says what went wrong."),
        ({"generate": "scheduled"}, "For nothing: generate is started within seconds."),
        ({"generate": "success"}, "For nothing: the scheduler starts its next task within seconds."),
    ],
)  # fmt: skip
def test_a_running_run_says_what_it_is_at(session: Any, run: Any, tasks: dict[str, str], says: str) -> None:
    assert waits(session, run("running", "running", **tasks)) == (says, [])


def test_a_task_that_waits_for_spark_says_who_has_it(session: Any, run: Any) -> None:
    run("other", "running", silver="running")
    waiting = run("waiting", "running", generate="scheduled")
    taken = "Its task generate waits for the pool spark, which is taken:"
    assert waits(session, waiting) == (taken, ["silver of iot_nightly, other"])
    assert waits(session, waiting, seen="another DAG") == (taken, [])


def test_a_run_that_has_ended_waits_for_nothing(session: Any, run: Any) -> None:
    assert waits(session, run("over", "success")) == ("For nothing: it has ended (success).", [])


@pytest.fixture
def browser(stored: Any, session: Any) -> Iterator[Any]:
    """A browser of somebody who is logged in, which sees what the session has."""
    import data_docs_app
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.api_fastapi.common.db.common import _get_session
    from starlette.testclient import TestClient

    create_auth_manager().init()
    app = data_docs_app.create_app()
    app.dependency_overrides[_get_session] = lambda: session
    with TestClient(app) as client:
        log_in(client)
        yield client


def test_the_page_shows_it_whatever_signs_a_run_has_in_its_name(browser: Any, run: Any) -> None:
    run("manual__2024-03-06T01:00:00+00:00", "queued")
    answer = browser.get("/waits/iot_nightly/manual__2024-03-06T01%3A00%3A00%2B00%3A00")
    assert answer.status_code == 200 and "within seconds" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_what_is_no_run_or_may_not_be_seen_is_not_found(
    browser: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    assert browser.get("/waits/iot_nightly/nowhere").status_code == 404
    run("secret", "queued")
    assert browser.get("/waits/iot_nightly/secret").status_code == 200
    monkeypatch.setattr(get_auth_manager(), "is_authorized_dag", lambda **_: False)
    answer = browser.get("/waits/iot_nightly/secret")
    assert answer.status_code == 404 and "you may not see it" in answer.text
    browser.cookies.clear()
    assert browser.get("/waits/iot_nightly/secret").status_code == 401
