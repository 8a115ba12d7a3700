"""Run one night on the stack: trigger it, follow it stage by stage, read its run results."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalog import progress
from catalog.pipeline import STEP_NAMES
from catalog.progress import Progress
from catalog.run_result import REFUSED, RunResult, TableEntry, path_of
from embedded.errors import DataRefused, Failed
from embedded.live_line import LiveLine
from embedded.renewal import renew
from embedded.services import log_of
from embedded.stack import DAG, Stack

ENDED = {"success", "failed"}
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Night:
    """A night to run: the values of the DAG's form."""

    night: str
    simulate: str
    scale: float
    seed: int
    tables: list[str]

    @property
    def conf(self) -> dict[str, Any]:
        """The form, filled in."""
        simulate = {"simulate": self.simulate} if self.simulate else {}
        return {
            "night": self.night,
            **simulate,
            "scale": self.scale,
            "seed": self.seed,
            "tables": self.tables,
        }


def waited_for(active: Iterable[Mapping[str, Any]], limit: int) -> list[str]:
    """Return the active runs that a newly triggered run has to wait for; none while fewer than `limit` are active.

    Runs of backfills have a limit of their own and are left out.
    """
    ahead = [str(run["dag_run_id"]) for run in active if run["run_type"] != "backfill"]
    return ahead if len(ahead) >= limit else []


class Run:
    """One DAG run and its run results."""

    def __init__(self, stack: Stack, night: Night) -> None:
        self.stack = stack
        self.night = night
        # Valid as a folder name, so that its pages and run results are in a folder of this name.
        self.id = f"make_run__{night.night}__{datetime.now(UTC):%Y%m%dT%H%M%S}"
        self._path = f"/dags/{DAG}/dagRuns"

    def trigger(self) -> None:
        """Start it, with the form as the catalog has it now; print which runs it must wait for, if any."""
        renew(self.stack.api, DAG)
        active = self.stack.api.get(f"{self._path}?state=running&state=queued")["dag_runs"]
        self.stack.api.post(
            self._path, {"dag_run_id": self.id, "logical_date": None, "conf": self.night.conf}
        )
        if ahead := waited_for(active, self.stack.api.get(f"/dags/{DAG}")["max_active_runs"]):
            print(f"waiting for one of these runs to end, no more work at a time: {', '.join(ahead)}")

    def follow(self) -> None:
        """Print a line for each stage that ends, and how far it has come; raise Failed for one that fails for good."""
        printed: set[str] = set()
        line = LiveLine()
        try:
            while True:
                # Read before its tasks: once the run has ended, the states of its tasks are final.
                state = self._state()
                tasks = self._tasks()
                for stage in STEP_NAMES:
                    self._print_end(stage, tasks.get(stage, {}), printed, line)
                if state in ENDED:
                    break
                self._show_progress(tasks, line)
                time.sleep(POLL_SECONDS)
        finally:
            line.clear()
        if state == "failed":
            raise self._failure(tasks)

    def result(self, step: str) -> RunResult | None:
        """Return the step's run result; None if it has none."""
        file = self.stack.config.home / "data-docs" / path_of(self.id, step)
        try:
            return RunResult.from_json(file.read_text())
        except (OSError, ValueError):
            return None

    def tables(self, step: str) -> tuple[TableEntry, ...]:
        """Return the tables in the step's run result; empty if it has none."""
        result = self.result(step)
        return result.tables if result else ()

    def status(self, step: str) -> str:
        """Return the status in the step's run result; empty if it has none."""
        result = self.result(step)
        return result.status if result else ""

    def _state(self) -> str:
        """Return the run's state in Airflow. Raises Failed when it was deleted, or the scheduler has ended."""
        run = self.stack.api.get(f"{self._path}/{self.id}")
        if run is None:
            raise Failed(f"the run {self.id} was deleted in Airflow; to run the night again: make run")
        state = str(run["state"])
        # Airflow itself goes on saying "running" when its scheduler has died.
        if state not in ENDED and not self.stack.processes.runs("scheduler"):
            log = log_of(self.stack.config, "scheduler")
            raise Failed(f"Airflow's scheduler has ended, see {log}; `make run` starts it and goes on")
        return state

    def _tasks(self) -> dict[str, dict[str, Any]]:
        listed = self.stack.api.get(f"{self._path}/{self.id}/taskInstances?limit=100") or {}
        return {task["task_id"]: task for task in listed.get("task_instances", [])}

    def _show_progress(self, tasks: dict[str, dict[str, Any]], line: LiveLine) -> None:
        running = [stage for stage, task in tasks.items() if task.get("state") == "running"]
        if not running:
            line.clear()
        for stage in running:
            seconds = (datetime.now(UTC) - datetime.fromisoformat(tasks[stage]["start_date"])).total_seconds()
            come = progress.read(self.stack.config.home / "data-docs", self.id, stage)
            line.show(f"  {stage:<13}{seconds:6.0f} s  {how_far(come)}")

    def _print_end(self, stage: str, task: dict[str, Any], printed: set[str], line: LiveLine) -> None:
        state, attempt = task.get("state"), task.get("try_number")
        mark = f"{stage} {attempt} {state}"
        if mark in printed or state not in {"success", "failed", "up_for_retry"}:
            return
        printed.add(mark)
        if state == "success":
            seconds = f"{task['duration'] or 0:6.1f} s"
            line.print(f"  {stage:<13}{seconds}  {what_came_of(stage, self.tables(stage))}")
        elif state == "up_for_retry":
            line.print(f"  {stage:<13}attempt {attempt} failed, Airflow tries again: {self._message(stage)}")

    def _message(self, stage: str) -> str:
        result = self.result(stage)
        return (result.message if result else "") or "see its log"

    def _failure(self, tasks: dict[str, dict[str, Any]]) -> Failed:
        stage = next(
            (name for name in STEP_NAMES if tasks.get(name, {}).get("state") == "failed"), STEP_NAMES[0]
        )
        log = self._log(stage, tasks.get(stage, {}).get("try_number", 1))
        lines = "\n".join(f"    {line}" for line in last_lines(log))
        kind = DataRefused if self.status(stage) == REFUSED else Failed
        return kind(f"{stage} failed; the end of its log:\n{lines}\n  the whole log: {log}")

    def _log(self, stage: str, attempt: int) -> Path:
        folder = self.stack.config.airflow_home / "logs" / f"dag_id={DAG}" / f"run_id={self.id}"
        return folder / f"task_id={stage}" / f"attempt={attempt}.log"


def what_came_of(stage: str, tables: Sequence[TableEntry]) -> str:
    """Return a stage's result in a few words: rows, expectations, or the report's summary."""
    if stage.startswith("check"):
        expectations, failed, warned = (
            sum(table.detail.get(key, 0) for table in tables) for key in ("expectations", "failed", "warned")
        )
        return f"{expectations:>11,} expectations, {failed} failed, {warned} warned"
    if tables and "summary" in tables[0].detail:
        return str(tables[0].detail["summary"])
    if stage == "report":
        return "written"
    return f"{sum(table.rows for table in tables):>11,} rows in {len(tables)} tables"


def how_far(come: Progress | None) -> str:
    """Return how far a stage has come: tables done of all, and rows so far if it knows. Empty if it does not say."""
    if come is None or not come.tables:
        return ""
    rows = f"{come.rows:>11,} rows in " if come.rows is not None else f"{'':>11}"
    return f"{rows}{come.done} of {come.tables} tables"


def last_lines(log: Path, count: int = 12) -> list[str]:
    """Return the last messages of a task's log (one JSON object a line), without tracebacks."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ["(no log)"]
    return [event for line in lines if (event := _event(line))][-count:]


def _event(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    event = str(entry.get("event", ""))
    # Markers of folded groups, and Python's warnings, say nothing about the night.
    if event.startswith("::") or entry.get("logger") == "py.warnings":
        return ""
    causes = entry.get("error_detail") or []
    return f"{event}: {causes[0].get('exc_value', '')}" if causes else event
