"""Local: each job is a process of the jobs environment, with a session on a Spark Connect server."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseOperator, Connection
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException
from airflow.sdk.log import mask_secret
from job import Job, PageLink, failure, refuse_unknown_fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow.sdk import Context
    from targets import Target

PROJECT = Path(__file__).resolve().parents[2]
CONNECTION = "spark_default"
# Airflow's supervisor kills the task itself 5 s after asking it to end; the job must be gone by then.
GRACE_SECONDS = 3.0
# `jobs.lifeline` reads it.
ENDS_WITH_STDIN = "LAKEHOUSE_ENDS_WITH_STDIN"


def operator(job: Job, _: Target) -> BaseOperator:
    """Return the task that runs this job as a local process."""
    limit = timedelta(hours=job.hours)
    return LocalJobOperator(job=job, task_id=job.stage, outlets=list(job.outlets), execution_timeout=limit)


class LocalJobOperator(BaseOperator):
    """Runs `python -m jobs …`, streams its output to the task's log, and leaves no process behind."""

    template_fields: Sequence[str] = ("argv", "page_href")
    ui_color = "#e8f1f8"

    def __init__(self, *, job: Job, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.argv = list(job.argv)
        self.secrets = job.secrets
        self.page_href = job.page.href if job.page else ""
        if job.page:
            self.operator_extra_links = (PageLink(job.page.name),)
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Context) -> None:
        """Run the job. Exit status 2 and 3 fail the task for good, any other but 0 lets Airflow retry."""
        refuse_unknown_fields(context)
        argv = [argument for argument in self.argv if argument]
        self.log.info("python -m jobs %s", " ".join(argv))
        connection = Connection.get(CONNECTION)
        command = [_jobs_python(), "-m", "jobs", *argv]
        own = _passwords(self.secrets)
        environment, secrets = job_environment(connection) | own, [*_secrets_of(connection), *own.values()]
        status, last_line = self._run(command, environment, secrets)
        last_line = last_line.removeprefix(f"{self.task_id}: ")
        if status:
            raise failure(self.task_id, status, _ending(status), last_line)

    def on_kill(self) -> None:
        """End the job and everything it started; called by Airflow, also from a signal handler."""
        if self._process and self._process.poll() is None:
            _signal_group(self._process, signal.SIGTERM)
            killer = threading.Timer(GRACE_SECONDS, _signal_group, (self._process, signal.SIGKILL))
            killer.daemon = True
            killer.start()

    def _run(self, command: list[str], environment: dict[str, str], secrets: list[str]) -> tuple[int, str]:
        """Return the exit status and the last line of output."""
        last_line = "no output"
        try:
            self._process = _start(command, environment)
            for line in self._process.stdout or ():
                if line := _redacted(line.rstrip(), secrets):
                    self.log.info(line)
                    last_line = line
            return self._process.wait(), last_line
        finally:
            self._end()

    def _end(self) -> None:
        """Wait for the job after asking it to end, then kill whatever is left of its process group."""
        if self._process is None:
            return
        if self._process.poll() is None:
            _signal_group(self._process, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS)
        _signal_group(self._process, signal.SIGKILL)
        self._process.wait()


def job_environment(connection: Connection) -> dict[str, str]:
    """Return this environment without Airflow's variables, plus SPARK_REMOTE, whose URL is a secret."""
    environment = {name: value for name, value in os.environ.items() if "AIRFLOW" not in name}
    own = {
        "SPARK_REMOTE": spark_remote(connection),
        "PYTHONUNBUFFERED": "1",
        "TZ": "UTC",
        ENDS_WITH_STDIN: "1",
    }
    return environment | own


def spark_remote(connection: Connection) -> str:
    """The Spark Connect URL. The token goes as a header, which works without TLS on any host."""
    tls = ";use_ssl=true" if connection.extra_dejson.get("use_ssl") else ""
    address = f"{connection.host or '127.0.0.1'}:{connection.port or 15002}"
    return f"sc://{address}/{tls};authorization=Bearer%20{_quoted_token(connection)}"


def _quoted_token(connection: Connection) -> str:
    return quote(connection.password or "", safe="")


def _secrets_of(connection: Connection) -> list[str]:
    """Return the token, plain and URL-quoted, and register both with Airflow's masking of logs and fields."""
    secrets = [secret for secret in (connection.password, _quoted_token(connection)) if secret]
    for secret in secrets:
        mask_secret(secret)
    return secrets


def _passwords(secrets: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return environment variables from passwords of connections, and register these with Airflow's masking."""
    found: dict[str, str] = {}
    for variable, connection_id in secrets:
        with suppress(AirflowNotFoundException):
            if password := Connection.get(connection_id).password:
                mask_secret(password)
                found[variable] = password
    return found


def _redacted(line: str, secrets: list[str]) -> str:
    # Airflow masks too, but not in `airflow dags test`, which logs through another masker.
    for secret in secrets:
        line = line.replace(secret, "***")
    return line


def _jobs_python() -> str:
    python = os.environ.get("LAKEHOUSE_JOBS_PYTHON", "")
    if not os.access(python, os.X_OK):
        raise AirflowFailException(
            f"LAKEHOUSE_JOBS_PYTHON must be the Python of the jobs environment; it is {python or 'not set'!r}"
        )
    return python


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=PROJECT,
        env=environment,
        # Nothing is written to it: it closes with this process, however that ends, and the job with it.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _ending(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit {status}"
