"""What a run waits for: the page behind the tab of that name, which each run has in Airflow's UI.

Not a plugin file (see .airflowignore): only the API server needs it.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.backfill import Backfill
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select
from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="10">
<title>Waits for</title><body style="font: 16px/1.5 system-ui; max-width: 42em; margin: 2em auto; padding: 0 1em;
background: #fff; color: #334"><h1 style="font-size: 1.2em">{title}</h1>{items}</body></html>"""


def page(dag_id: str, run_id: str, session: SessionDep, user: GetUserDep) -> HTMLResponse:
    """Say what a run waits for; of other DAGs, only what the user may see."""

    def may_see(dag_id: str) -> bool:
        return get_auth_manager().is_authorized_dag(
            method="GET", access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag_id), user=user
        )

    run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
    if run is None or not may_see(dag_id):
        return HTMLResponse(PAGE.format(title="There is no such run, or you may not see it.", items=""), 404)
    title, items = waits_for(session, run, may_see)
    listed = "".join(f"<li>{html.escape(item)}</li>" for item in items)
    return HTMLResponse(PAGE.format(title=html.escape(title), items=f"<ul>{listed}</ul>" if items else ""))


def waits_for(session: Session, run: DagRun, may_see: Callable[[str], bool]) -> tuple[str, list[str]]:
    """In one sentence, what a run waits for; and which runs or tasks these are, of DAGs that may be seen."""
    if run.state == DagRunState.QUEUED:
        return _to_start(session, run)
    if run.state == DagRunState.RUNNING:
        return _to_go_on(session, run, may_see)
    return f"For nothing: it has ended ({run.state}).", []


def _to_start(session: Session, run: DagRun) -> tuple[str, list[str]]:
    dag = session.get_one(DagModel, run.dag_id)
    if dag.is_paused:
        return f"It waits until {run.dag_id} is switched on.", []
    limit, peers = dag.max_active_runs, DagRun.dag_id == run.dag_id
    # Airflow counts the runs of a backfill by themselves.
    if run.backfill_id:
        backfill = session.get_one(Backfill, run.backfill_id)
        if backfill.is_paused:
            return "It waits until its backfill goes on, which is paused.", []
        limit = backfill.max_active_runs
        peers &= DagRun.backfill_id == run.backfill_id
    else:
        peers &= DagRun.backfill_id.is_(None)
    ahead = session.scalars(select(DagRun).where(peers, DagRun.state == DagRunState.RUNNING)).all()
    if limit is None or len(ahead) < limit:
        return "For nothing: the scheduler starts it within seconds.", []
    which = "the run that is at work" if limit == 1 else f"one of the {len(ahead)} runs that are at work"
    return (
        f"It waits until {which} has ended; no more of them work at a time.",
        sorted(f"{each.run_id}, since {_time(each.start_date)}" for each in ahead),
    )


def _to_go_on(session: Session, run: DagRun, may_see: Callable[[str], bool]) -> tuple[str, list[str]]:
    tasks = session.scalars(
        select(TaskInstance).where(TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id)
    ).all()
    by_state = {task.state: task for task in tasks}
    if task := by_state.get(TaskInstanceState.RUNNING):
        return f"For nothing: {task.task_id} is at work, since {_time(task.start_date)}.", []
    if task := by_state.get(TaskInstanceState.UP_FOR_RETRY):
        return f"It waits to try {task.task_id} again; the log of that task says what went wrong.", []
    task = by_state.get(TaskInstanceState.SCHEDULED) or by_state.get(TaskInstanceState.QUEUED)
    if not task:
        return "For nothing: the scheduler starts its next task within seconds.", []
    pool = session.scalar(select(Pool).where(Pool.pool == task.pool))
    if task.state == TaskInstanceState.QUEUED or (pool and pool.open_slots(session=session) > 0):
        return f"For nothing: {task.task_id} is started within seconds.", []
    holders = session.scalars(
        select(TaskInstance).where(
            TaskInstance.pool == task.pool,
            TaskInstance.state.in_((TaskInstanceState.RUNNING, TaskInstanceState.QUEUED)),
        )
    ).all()
    seen = sorted(
        f"{each.task_id} of {each.dag_id}, {each.run_id}" for each in holders if may_see(each.dag_id)
    )
    return f"Its task {task.task_id} waits for the pool {task.pool}, which is taken:", seen


def _time(moment: object) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "now"
