"""A job, whatever platform runs it: a name and an argument list."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import beside  # noqa: F401 (so that there is a catalog)
from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from catalog.run_result import path_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Asset, BaseOperator, Context
    from airflow.sdk.types import DagRunProtocol, RuntimeTaskInstanceProtocol, TaskInstanceKey


# Exit statuses of a job after which trying again would not help.
FINAL = {2: "refused its arguments", 3: "says that the data did not pass its contract"}


@dataclass(frozen=True)
class Page:
    """A page of the data docs that belongs to a task: its button's name and its address (a template)."""

    name: str
    href: str


@dataclass(frozen=True)
class Job:
    """One stage of a night: `python -m jobs <argv>`, wherever that runs."""

    stage: str
    """Task id; unlike the subcommand it is unique within a night (`check_bronze`, `check_silver`, `check_gold`)."""

    argv: tuple[str, ...]
    """What follows `python -m jobs`. Jinja templates; an argument that renders empty is left out."""

    outlets: tuple[Asset, ...] = ()
    """Assets that a success of this stage updates."""

    page: Page | None = None
    """The page that shows what this stage found."""

    secrets: tuple[tuple[str, str], ...] = ()
    """Environment variables and the Airflow connections that have them as passwords; missing connections are
    skipped. Databricks keeps secrets itself."""

    hours: int = 2
    """An attempt that takes longer is ended."""


@attrs.define
class PageLink(BaseOperatorLink):
    """The button on a task that opens its page; the operator has rendered `page_href`."""

    name: str = "Page"
    xcom_key: str = "link_page"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Address of the page, within the Airflow server."""
        return str(getattr(operator, "page_href", ""))


def failure(stage: str, status: int, ending: str, message: str) -> AirflowException:
    """Return the exception for a job that ended with this exit status; it decides whether Airflow retries."""
    if status in FINAL:
        return AirflowFailException(f"{stage} {FINAL[status]} (exit {status}): {message}")
    return AirflowException(f"{stage} failed ({ending}): {message}")


def refuse_unknown_fields(context: Context) -> None:
    """Raise AirflowFailException for fields of a run's conf that its form does not have: one of them was meant."""
    dag, dag_run = context.get("dag"), context.get("dag_run")
    if dag is None or dag_run is None:
        return
    known = sorted(dag.params.keys())
    if unknown := sorted(set(dag_run.conf or {}) - set(known)):
        raise AirflowFailException(
            f"the form has no field {', '.join(map(repr, unknown))}; its fields are {', '.join(known)}"
        )


def night_of(dag_run: DagRunProtocol, params: Mapping[str, Any]) -> str:
    """Return the night (UTC date) that a run is about: the form's, else the logical date's, at latest yesterday.

    `run_after` is when the run was asked for; it stays the same through retries and clears, so all
    tasks of a run agree even when midnight passes between them.
    """
    if params["night"]:
        return str(params["night"])
    yesterday = (dag_run.run_after - timedelta(days=1)).date()
    if dag_run.logical_date is None:
        return yesterday.isoformat()
    return min(dag_run.logical_date.date(), yesterday).isoformat()


def slug_of(run_id: str) -> str:
    """Return the run id as a folder name: what is not a letter, digit, `_`, `.` or `-` becomes `_`."""
    return re.sub(r"^\.|[^A-Za-z0-9_.-]", "_", run_id)[:200]


def parent_of(ti: RuntimeTaskInstanceProtocol, dag_run: DagRunProtocol) -> str:
    """Return the attempt at a task as `--parent` takes it: what the OpenLineage provider makes its run ids of."""
    namespace = conf.get("openlineage", "namespace", fallback="") or os.getenv(
        "OPENLINEAGE_NAMESPACE", "default"
    )
    moment = dag_run.logical_date or dag_run.run_after
    cleared = getattr(dag_run, "clear_number", None) or 0
    return f"{namespace}/{ti.dag_id}/{ti.task_id}/{moment.isoformat()}/{ti.try_number}/{cleared}"


def data_docs() -> Path:
    """Return the folder of pages and run results on Airflow's own machine, wherever the jobs run.

    Raises AirflowFailException when nobody said where that is.
    """
    home = os.environ.get("LAKEHOUSE_HOME")
    if not home:
        raise AirflowFailException(
            "LAKEHOUSE_HOME is not set: it names the folder that workers and API server share for data docs and "
            "reports, also when the jobs run on Databricks"
        )
    return Path(home).absolute() / "data-docs"


def result_of(run_id: str, step: str) -> str:
    """Return the path of a step's run result in the data docs."""
    return path_of(slug_of(run_id), step)
