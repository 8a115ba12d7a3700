"""The life of runs: one request may start one, each task really executes its wheel, every end has a reason."""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.standin.environments import Environments, InstallationError
from tests.support.standin.errors import ApiError
from tests.support.standin.faults import Faults

LAUNCHER = Path(__file__).with_name("launcher.py")
FAILED_MESSAGE = "Workload failed, see run output for details"


def now() -> int:
    """Give the time as the API does: milliseconds since 1970."""
    return int(time.time() * 1000)


@dataclass
class Attempt:
    """One attempt of one task: the API gives each a run id of its own."""

    run_id: int
    task: dict[str, Any]
    number: int
    start_time: int = field(default_factory=now)
    setup_end: int = 0
    end_time: int = 0
    life: str = "PENDING"
    result: str = ""
    message: str = ""
    code: str = ""
    error: str | None = None
    error_trace: str | None = None
    parameters: list[str] = field(default_factory=list)
    pid: int | None = None
    log: Path | None = None

    @property
    def ended(self) -> bool:
        """Whether the attempt has come to its end."""
        return bool(self.end_time)

    def end(self, result: str, message: str, code: str, life: str = "TERMINATED") -> None:
        """Close the attempt."""
        self.life, self.result, self.message, self.code = life, result, message, code
        self.end_time = now()
        self.setup_end = self.setup_end or self.end_time


@dataclass
class Run:
    """One submitted run and the attempts of its tasks."""

    run_id: int
    body: dict[str, Any]
    attempts: list[Attempt]
    start_time: int = field(default_factory=now)
    end_time: int = 0
    cancelled: bool = False
    timed_out: bool = False

    @property
    def job_id(self) -> int:
        """A submitted run has a job id of its own, of a job that nobody sees."""
        return self.run_id - 1

    @property
    def token(self) -> str | None:
        """The idempotency token it was submitted with."""
        return self.body.get("idempotency_token")

    @property
    def latest(self) -> list[Attempt]:
        """The last attempt of each task."""
        return list({attempt.task["task_key"]: attempt for attempt in self.attempts}.values())

    @property
    def stopping(self) -> bool:
        """Whether nothing may be executed for it any more."""
        return self.cancelled or self.timed_out

    def outcome(self) -> tuple[str, str, str, str]:
        """Give life cycle state, result state, message and termination code of the whole."""
        if not self.end_time:
            if self.stopping:
                return "TERMINATING", "", "Run is being terminated", ""
            began = any(attempt.life != "PENDING" for attempt in self.attempts)
            return ("RUNNING", "", "In run", "") if began else ("PENDING", "", "Waiting for compute", "")
        if self.cancelled:
            return "TERMINATED", "CANCELED", "Run cancelled.", "USER_CANCELED"
        if self.timed_out:
            return "TERMINATED", "TIMEDOUT", "Run timed out.", "RUN_EXECUTION_ERROR"
        bad = [attempt for attempt in self.latest if attempt.result not in ("SUCCESS", "UPSTREAM_FAILED")]
        if not bad:
            return "TERMINATED", "SUCCESS", "", "SUCCESS"
        worst = next((attempt for attempt in bad if attempt.life == "INTERNAL_ERROR"), bad[0])
        message = f"Task {worst.task['task_key']} failed with message: {worst.message}."
        if any(attempt.result == "UPSTREAM_FAILED" for attempt in self.latest):
            message += " This caused all downstream tasks to get skipped."
        return worst.life, worst.result, message, worst.code


class Runs:
    """All runs of the workspace."""

    def __init__(self, folder: Path, environments: Environments, faults: Faults, remote: Callable[[], str]):
        self._folder = folder
        self._environments = environments
        self._faults = faults
        self._spark_remote = remote
        self._volumes = str(folder.parent / "Volumes")
        self._runs: dict[int, Run] = {}
        self._tokens: dict[str, int] = {}
        self._next = random.randrange(10**12, 10**14)
        self._changed = threading.Condition()

    def submit(self, body: dict[str, Any]) -> int:
        """Start a run, or give the one that its idempotency token stands for.

        Raises ApiError for the token of a deleted run.
        """
        token = body.get("idempotency_token")
        with self._changed:
            if token and token in self._tokens:
                known = self._tokens[token]
                if known not in self._runs:
                    raise ApiError(
                        "INVALID_PARAMETER_VALUE",
                        f"The run {known} of the idempotency token was deleted; use another token.",
                    )
                return known
            run = Run(self._new_id(), body, [])
            run.attempts = [Attempt(self._new_id(), task, 0) for task in body["tasks"]]
            self._runs[run.run_id] = run
            if token:
                self._tokens[token] = run.run_id
        threading.Thread(target=self._drive, args=(run,), daemon=True).start()
        return run.run_id

    def get(self, run_id: int) -> tuple[Run, Attempt | None]:
        """Give the run with this id, and the attempt if it is the id of a task's run.

        Raises ApiError if there is none.
        """
        with self._changed:
            for run in self._runs.values():
                if run.run_id == run_id:
                    return run, None
                for attempt in run.attempts:
                    if attempt.run_id == run_id:
                        return run, attempt
        raise ApiError("INVALID_PARAMETER_VALUE", f"Run {run_id} does not exist.")

    def all(self) -> list[Run]:
        """Give every run, the latest first."""
        with self._changed:
            return sorted(self._runs.values(), key=lambda run: run.run_id, reverse=True)

    def cancel(self, run_id: int) -> None:
        """Ask a run to end; it does so after the answer. A run that has ended stays as it is."""
        run, _ = self.get(run_id)
        with self._changed:
            if not run.end_time:
                self._stop(run, "cancelled")

    def delete(self, run_id: int) -> None:
        """Forget a run that has ended."""
        run, _ = self.get(run_id)
        if not run.end_time:
            raise ApiError("INVALID_STATE", f"Run {run_id} is still active; cancel it before deleting it.")
        with self._changed:
            del self._runs[run.run_id]

    def close(self) -> None:
        """Kill what still executes."""
        with self._changed:
            for run in self._runs.values():
                if not run.end_time:
                    self._stop(run, "cancelled")

    def _new_id(self) -> int:
        # Job ids lie between run ids.
        self._next += 2
        return self._next

    def _stop(self, run: Run, why: str) -> None:
        setattr(run, why, True)
        self._changed.notify_all()
        for attempt in run.attempts:
            if attempt.pid and not attempt.ended:
                _kill_group(attempt.pid)

    def _drive(self, run: Run) -> None:
        limit = run.body.get("timeout_seconds") or 0
        timer = threading.Timer(limit, self._time_out, args=(run,)) if limit else None
        if timer:
            timer.daemon = True
            timer.start()
        threads = [threading.Thread(target=self._drive_task, args=(run, first)) for first in run.latest]
        for thread in threads:
            thread.daemon = True
            thread.start()
        for thread in threads:
            thread.join()
        if timer:
            timer.cancel()
        with self._changed:
            run.end_time = now()
            self._changed.notify_all()

    def _time_out(self, run: Run) -> None:
        with self._changed:
            if not run.end_time:
                self._stop(run, "timed_out")

    def _drive_task(self, run: Run, attempt: Attempt) -> None:
        if not self._upstream_allows(run, attempt):
            return
        for left in range(attempt.task.get("max_retries") or 0, -1, -1):
            try:
                self._execute(run, attempt)
            except Exception as problem:
                # A fault of the stand-in must not look like a run that never ends.
                attempt.end("FAILED", f"stand-in: {problem!r}", "INTERNAL_ERROR", "INTERNAL_ERROR")
            if attempt.result == "SUCCESS" or run.stopping or not left:
                return
            time.sleep((attempt.task.get("min_retry_interval_millis") or 0) / 1000)
            attempt = Attempt(self._new_id(), attempt.task, attempt.number + 1)
            with self._changed:
                run.attempts.append(attempt)

    def _upstream_allows(self, run: Run, attempt: Attempt) -> bool:
        names = [item["task_key"] for item in attempt.task.get("depends_on") or []]
        if not names:
            return True
        attempt.life = "BLOCKED"
        with self._changed:
            self._changed.wait_for(
                lambda: run.stopping or all(a.ended for a in run.latest if a.task["task_key"] in names)
            )
            upstream = [a for a in run.latest if a.task["task_key"] in names]
        all_needed = attempt.task.get("run_if", "ALL_SUCCESS") == "ALL_SUCCESS"
        if not run.stopping and all_needed and any(a.result != "SUCCESS" for a in upstream):
            self._end(attempt, "UPSTREAM_FAILED", "Upstream task failed", "SKIPPED")
            return False
        attempt.life = "PENDING"
        return True

    def _end(self, attempt: Attempt, result: str, message: str, code: str, life: str = "TERMINATED") -> None:
        with self._changed:
            attempt.end(result, message, code, life)
            self._changed.notify_all()

    def _execute(self, run: Run, attempt: Attempt) -> None:
        key = attempt.task["task_key"]
        if self._stopped(run, attempt):
            return
        attempt.parameters = parameters_of(attempt.task)
        requirements, runtime, variables = self._compute_of(run, attempt.task)
        try:
            python = self._environments.python(requirements, runtime)
        except InstallationError as problem:
            code = "LIBRARY_INSTALLATION_ERROR"
            self._end(attempt, "FAILED", str(problem), code, "INTERNAL_ERROR")
            return
        remote = self._spark_remote()
        if self._stopped(run, attempt):
            return
        with self._changed:
            attempt.life, attempt.setup_end = "RUNNING", now()
        held = self._faults.for_run(key, "hold")
        while held and not run.stopping and self._faults.in_force(held):
            time.sleep(0.05)
        if self._stopped(run, attempt):
            return
        fault = self._faults.for_run(key, "fail", "internal_error")
        if not (fault and fault.get("when", "before") == "before"):
            self._run_process(run, attempt, python, {**variables, "SPARK_REMOTE": remote})
            if self._stopped(run, attempt):
                return
        if fault:
            attempt.error = fault.get("message", "injected by the stand-in")
        if fault and fault["run"] == "internal_error":
            self._end(attempt, "FAILED", attempt.error or "", "INTERNAL_ERROR", "INTERNAL_ERROR")
        elif attempt.error is not None:
            self._end(attempt, attempt.result or "FAILED", FAILED_MESSAGE, "RUN_EXECUTION_ERROR")
        else:
            self._end(attempt, "SUCCESS", "", "SUCCESS")

    def _stopped(self, run: Run, attempt: Attempt) -> bool:
        if run.cancelled:
            self._end(attempt, "CANCELED", "Run cancelled.", "USER_CANCELED")
        elif run.timed_out:
            self._end(attempt, "TIMEDOUT", "Run timed out.", "RUN_EXECUTION_ERROR")
        return run.stopping

    def _compute_of(self, run: Run, task: dict[str, Any]) -> tuple[list[str], str, dict[str, str]]:
        """Give what is installed for a task, on which runtime, and the compute's environment variables."""
        if key := task.get("environment_key"):
            spec = next(e for e in run.body["environments"] if e["environment_key"] == key).get("spec") or {}
            runtime = f"client.{spec.get('environment_version') or spec.get('client')}"
            return spec.get("dependencies") or [], runtime, {"DATABRICKS_RUNTIME_VERSION": f"{runtime}.9"}
        cluster = task.get("new_cluster") or task["_cluster"]
        runtime = cluster["spark_version"].split(".x")[0]
        libraries = [
            library.get("whl") or library["pypi"]["package"] for library in task.get("libraries") or []
        ]
        variables = {
            key: in_volumes(value, self._volumes)
            for key, value in (cluster.get("spark_env_vars") or {}).items()
        }
        return libraries, runtime, {"DATABRICKS_RUNTIME_VERSION": runtime, **variables}

    def _run_process(self, run: Run, attempt: Attempt, python: Path, variables: dict[str, str]) -> None:
        wheel = attempt.task["python_wheel_task"]
        folder = self._folder / str(attempt.run_id)
        for name in ("cwd", "home", "tmp"):
            (folder / name).mkdir(parents=True)
        outcome, attempt.log = folder / "outcome.json", folder / "log"
        environment = {
            "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "LANG": "C.UTF-8",
            "STANDIN_SECRETS": str(self._folder.parent / "secrets"),
            **variables,
        }
        with attempt.log.open("wb") as log, self._changed:
            if run.stopping:
                return
            process = subprocess.Popen(
                [
                    *(python, "-I", "-u", LAUNCHER, outcome, wheel["package_name"], wheel["entry_point"]),
                    *(in_volumes(parameter, self._volumes) for parameter in attempt.parameters),
                ],
                cwd=folder / "cwd",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            attempt.pid = process.pid
        kill = self._faults.for_run(attempt.task["task_key"], "kill")
        seconds = [attempt.task.get("timeout_seconds") or None, kill.get("seconds", 0) if kill else None]
        if kill:
            threading.Timer(seconds[1] or 0, _kill_group, args=(process.pid, signal.SIGKILL)).start()
        try:
            code = process.wait(seconds[0])
        except subprocess.TimeoutExpired:
            _kill_group(process.pid, signal.SIGKILL)
            process.wait()
            attempt.error, attempt.result = f"Timed out after {seconds[0]} seconds", "TIMEDOUT"
            return
        _kill_group(process.pid, signal.SIGKILL)  # whatever the task left behind
        if outcome.exists():
            ended = json.loads(outcome.read_text())
            attempt.error, attempt.error_trace = ended["error"], ended["error_trace"]
        else:
            name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            attempt.error = (
                f"The Python process exited with exit code {128 - code if code < 0 else code} ({name})."
            )


def parameters_of(task: dict[str, Any]) -> list[str]:
    """Give the argument list of a wheel task."""
    wheel = task["python_wheel_task"]
    named = [f"--{key}={value}" for key, value in (wheel.get("named_parameters") or {}).items()]
    return named or list(wheel.get("parameters") or [])


def in_volumes(text: str, folder: str) -> str:
    """Give a path in /Volumes, or an option with one, as a path in the folder that stands for it here."""
    for prefix in ("/Volumes/", "dbfs:/Volumes/"):
        if text.startswith(prefix):
            return f"{folder}/{text.removeprefix(prefix)}"
    option, equals, value = text.partition("=")
    if equals and option.startswith("-") and value.startswith("/Volumes/"):
        return f"{option}={in_volumes(value, folder)}"
    return text


def _kill_group(pid: int, number: int = signal.SIGTERM) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return
    if number == signal.SIGTERM:
        # A task that does not heed it is given as long as a container: ten seconds.
        timer = threading.Timer(10, _kill_group, args=(pid, signal.SIGKILL))
        timer.daemon = True
        timer.start()
