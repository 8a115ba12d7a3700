"""What somebody is notified of when it does not come in time: a night's gold, a stream, the files of a source.

Airflow watches the deadline of each run and calls back when a run has not ended by then; of runs by hand nothing is
said. How long a source is silent is in the report of a night that just ended. One message is sent per incident, and
one when it is over (`dags/incidents.py`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import incidents
from airflow.sdk.configuration import conf
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from job import data_docs, night_of
from notify import Notifier, address_of, run_result
from targets import load_target

from catalog.run_result import DONE, RunResult, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow.sdk import Context
    from job import Job
    from targets import Target

# In others a deadline that is missed ends the scheduler (3.3.2).
RUN_CALLBACKS = ("LocalExecutor", "CeleryExecutor")
# A night's run is due a day after its logical date, which is the beginning of what it is about.
NIGHT = timedelta(days=1)
# Four quarters of an hour without a run that went well.
STREAM_HOURS = 1


def published_in_time() -> DeadlineAlert | None:
    """Return the deadline by which a night is to be published, as the target says.

    None if it says never, or Airflow's executor runs no callbacks.
    """
    hours = load_target().published_within_hours
    return _alert(LateNight, NIGHT + timedelta(hours=hours), hours=hours) if hours else None


def goes_on(jobs_of: Callable[[Target], Iterable[Job]]) -> DeadlineAlert | None:
    """Return the deadline by which a run of a stream is to be followed by one that went well; its last job decides.

    None if it has no job, or Airflow's executor runs no callbacks.
    """
    steps = [job.stage for job in jobs_of(load_target())]
    return _alert(StoppedStream, timedelta(hours=STREAM_HOURS), step=steps[-1]) if steps else None


def _alert(callback: type[Notifier], after: timedelta, **kwargs: Any) -> DeadlineAlert | None:
    executor = conf.get("core", "executor", fallback="LocalExecutor").split(",")[0]
    if not executor.endswith(RUN_CALLBACKS):
        return None
    return DeadlineAlert(
        # Not when it was queued: no task of a run that has such a deadline can be cleared (3.3.2).
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=after,
        # In a process of the executor's, beside those of tasks: it knows connections and the lake's folder.
        callback=SyncCallback(callback, kwargs=kwargs),
    )


@dataclass(frozen=True)
class Missed:
    """A scheduled run that missed its deadline."""

    dag_id: str
    run_id: str
    state: str
    queued_at: datetime
    run_after: datetime
    logical_date: datetime | None
    conf: dict[str, Any]

    @classmethod
    def of(cls, context: Context) -> Missed | None:
        """Return the run of a callback's context, which has it as JSON; None for one that is not scheduled."""
        run: Any = context["dag_run"]
        if run["run_type"] != "scheduled":
            return None
        moments = {
            name: datetime.fromisoformat(run[name]) if run[name] else None
            for name in ("run_after", "logical_date", "queued_at")
        }
        moments["queued_at"] = moments["queued_at"] or moments["run_after"]
        return cls(run["dag_id"], run["dag_run_id"], run["state"], conf=run["conf"] or {}, **moments)  # type: ignore[arg-type]

    @property
    def address(self) -> str:
        """Where people see the run."""
        return address_of(f"/dags/{self.dag_id}/runs/{self.run_id}")


class LateNight(Notifier):
    """Says that a night is not published by its hour, unless its run failed: somebody was notified of that."""

    def __init__(self, hours: int = 0, context: Context | None = None) -> None:
        super().__init__(context)
        self.hours = hours

    def notify(self, context: Context) -> None:
        """Send which night it is, and the address of its run."""
        run = Missed.of(context)
        if run is None or run.state == "failed" or _is_done(run_result(run.run_id, "publish")):
            return
        night = night_of(run, {"night": run.conf.get("night")})  # type: ignore[arg-type]
        if incidents.begin(_late(night)):
            about = f"night {night} is not published yet, {self.hours} hours after it was due"
            self.send(f"{run.dag_id}: {about} (run {run.run_id})\n{run.address}")


class StoppedStream(Notifier):
    """Says that no run of a stream went well since one was due."""

    def __init__(self, step: str = "", context: Context | None = None) -> None:
        super().__init__(context)
        self.step = step

    def notify(self, context: Context) -> None:
        """Send since when, and the address of the run that was the first not to go well."""
        run = Missed.of(context)
        if run is None or has_succeeded(self.step, run.queued_at):
            return
        if incidents.begin(run.dag_id):
            about = f"no run went well since {run.queued_at:%Y-%m-%d %H:%M} UTC"
            self.send(f"{run.dag_id}: {about} (run {run.run_id})\n{run.address}")


class Recovery(Notifier):
    """Says that an incident is over, when a task has succeeded by which it is."""

    def notify(self, context: Context) -> None:
        """Send what has come, and how long that took."""
        for night in _published(context):
            self._end(context, _late(night), f"night {night} is published")
        if not context["task"].downstream_task_ids:
            self._end(context, context["dag"].dag_id, "runs go well again")

    def _end(self, context: Context, incident: str, what: str) -> None:
        if began := incidents.end(incident):
            minutes = (datetime.now(UTC) - began) // timedelta(minutes=1)
            after = f"{minutes // 60} h {minutes % 60} min after somebody was notified"
            self.send(f"{context['dag'].dag_id}: {what}, {after} (run {context['run_id']})")


class SilentSources(Notifier):
    """Says that a source has delivered nothing for too long, and that it does again, once a night's report says so."""

    def notify(self, context: Context) -> None:
        """Send a message for each source of which that has changed."""
        ti, run_id = context["ti"], context["run_id"]
        result = run_result(run_id, ti.task_id) if ti.task_id == "report" else None
        for table in result.tables if result else ():
            for source, found in table.detail.get("deliveries", {}).items():
                incident, about = f"source.{source}", f"{ti.dag_id}: {source}: "
                if not found["is_silent"]:
                    if began := incidents.end(incident):
                        since = f"{began:%Y-%m-%d %H:%M} UTC"
                        self.send(f"{about}rows came again, somebody was notified on {since} (run {run_id})")
                elif incidents.begin(incident):
                    page = address_of(getattr(context["task"], "page_href", ""))
                    self.send(f"{about}no rows since the night {found['last']} (run {run_id})\n{page}")


def has_succeeded(step: str, since: datetime) -> bool:
    """Whether any run's step of that name was done since a moment, by the run results on this machine."""
    for file in data_docs().glob(path_of("*", step)):
        # One that is being cleared away, or of another version, proves nothing.
        with suppress(FileNotFoundError, ValueError):
            result = RunResult.from_json(file.read_bytes())
            if _is_done(result) and datetime.fromisoformat(result.ended_at) >= since:
                return True
    return False


def _is_done(result: RunResult | None) -> bool:
    return result is not None and result.status == DONE


def _published(context: Context) -> Iterator[str]:
    """Yield the nights that are published once this task is done, by whichever DAG."""
    params = context["params"]
    match context["task"].task_id:
        case "publish":
            yield night_of(context["dag_run"], params)
        case "backfill":
            first, last = (date.fromisoformat(params[name]) for name in ("first", "last"))
            yield from (str(first + timedelta(days)) for days in range((last - first).days + 1))


def _late(night: str) -> str:
    return f"night.{night}"
