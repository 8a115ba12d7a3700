"""The stand-in's compute without its API: argument lists, one after another, in one process that stays up.

What a run has there, it has here: a Spark with catalog `main` and Auto Loader, the variables of the runtime, secrets,
and /Volumes as a folder. What it has not is a wheel, an environment and a process of its own.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path

from tests.support.project import PROJECT
from tests.support.standin.launcher import bring_secrets
from tests.support.standin.runs import in_volumes

PYTHON = PROJECT / ".venv/spark/bin/python"
RUNTIME = "client.4.9"  # as of serverless compute
SECRETS = "secrets-of-jobs"  # not those of a workspace with the same root


@dataclass(frozen=True)
class Ended:
    """How a job ended, and what it said last."""

    exit: int
    said: str


class Compute:
    """Databricks' compute as a job sees it."""

    def __init__(self, root: Path, process: subprocess.Popen[str]) -> None:
        self.volumes, self._secrets = root / "Volumes", root / SECRETS
        self._process = process

    def run(self, argv: Sequence[str]) -> Ended:
        """Run a job to its end."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(list(argv)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the process of the jobs has died: {self._process.wait()}"
        return Ended(**json.loads(answer))

    def here(self, argv: Sequence[str]) -> list[str]:
        """An argument list with the folders of this machine in place of volumes."""
        return [in_volumes(argument, str(self.volumes)) for argument in argv]

    def keep_secret(self, scope: str, key: str, value: str) -> None:
        """Put a secret where runs find it."""
        (self._secrets / scope).mkdir(parents=True, exist_ok=True)
        (self._secrets / scope / key).write_text(value)


@contextmanager
def compute(root: Path, remote: str, volume: str) -> Iterator[Compute]:
    """Start the process of the jobs.

    `remote` is a server with the settings `of_databricks`, whose `root` this is; `volume`,
    /Volumes/<catalog>/<schema>/<name>, is made.
    """
    Path(in_volumes(volume, str(root / "Volumes"))).mkdir(parents=True)
    environment = {
        "PATH": f"{PYTHON.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(root),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(PROJECT),
        "SPARK_REMOTE": remote,
        "DATABRICKS_RUNTIME_VERSION": RUNTIME,
        "STANDIN_SECRETS": str(root / SECRETS),
    }
    with (root / "jobs.log").open("w") as log:
        process = subprocess.Popen(
            [PYTHON, "-m", "tests.support.standin.compute", str(root / "Volumes")],
            cwd=root,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with process:
        yield Compute(root, process)
        assert process.stdin
        process.stdin.close()
        process.wait(60)


def _serve(volumes: str) -> None:
    """Run the argument lists that come in, a line each; answer how each ended."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever jobs print is for the log
    bring_secrets()
    from pyspark.sql import SparkSession

    from jobs.main import main

    for line in sys.stdin:
        said = io.StringIO()
        with redirect_stderr(said):
            try:
                status = main([in_volumes(argument, volumes) for argument in json.loads(line)])
            except SystemExit as end:
                status = int(end.code or 0)
        sys.stderr.write(said.getvalue())
        # The next job is another process elsewhere, with a session of its own.
        if session := SparkSession.getActiveSession():
            session.stop()
        answers.write(json.dumps({"exit": status, "said": said.getvalue()}) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
