"""Which of the lake's DAGs are at work, as Airflow knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.models.dagrun import DagRun
from airflow.utils.state import DagRunState
from sqlalchemy import select

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

# Those that bring new rows.
DAGS = ("iot_nightly", "iot_backfill", "iot_stream", "iot_receive")


def running(session: Session, may_see: Callable[[str], bool]) -> list[str]:
    """The DAGs that have a run at work, of those that the user may see."""
    found = session.scalars(
        select(DagRun.dag_id).where(DagRun.dag_id.in_(DAGS), DagRun.state == DagRunState.RUNNING).distinct()
    ).all()
    return [dag for dag in DAGS if dag in found and may_see(dag)]
