"""Starts a stand-in from any environment, and talks to its controls; standard library only."""

import json
import os
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from tests.support.project import PROJECT

PYTHON = PROJECT / ".venv" / "airflow" / "bin" / "python"
# The address of a Spark that it is to use, with its token; else it starts one of its own.
RUNNING_SPARK = "STANDIN_RUNNING_SPARK"


class Standin:
    """A running stand-in; every fact of its standin.json is in `facts`."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.host: str = facts["host"]
        self.direct_url: str = facts["direct_url"]
        self.token: str = facts["token"]
        self.volumes = Path(facts["volumes"])
        context = ssl.create_default_context(cafile=facts["ca_bundle"])
        self._opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))

    @property
    def environment(self) -> dict[str, str]:
        """What any client needs: trust in the stand-in's authority beside the system's."""
        return self.facts["environment"]

    @property
    def sdk_environment(self) -> dict[str, str]:
        """What `WorkspaceClient()` needs to sign in as the service principal."""
        return self.facts["sdk_environment"]

    def connection(self, kind: str = "oauth") -> str:
        """Give the value of AIRFLOW_CONN_DATABRICKS_DEFAULT, for "oauth" or a personal access "token"."""
        return json.dumps(self.facts["connections"][kind])

    def faults(self, *rules: dict[str, Any]) -> None:
        """Put rules in force, see tests/support/standin/faults.py."""
        self._control("POST", "faults", list(rules))

    def clear_faults(self) -> None:
        """Take all rules out of force; held runs go on."""
        self._control("DELETE", "faults")

    def requests(self, path: str = "") -> list[dict[str, Any]]:
        """Give the log of requests whose path ends like this."""
        return [entry for entry in self._control("GET", "requests") if entry["path"].endswith(path)]

    def issued_tokens(self) -> list[str]:
        """Give every OAuth token that was issued to a client."""
        return self._control("GET", "tokens")

    def runs(self) -> list[dict[str, Any]]:
        """Give all runs, the oldest first."""
        return self._control("GET", "runs")

    def spark_remote(self) -> str:
        """Give the address of the workspace's Spark, which starts now if it has not yet."""
        return self._control("GET", "spark", seconds=200)["remote"]

    def wait(
        self, run_id: int, until: Callable[[dict[str, Any]], bool] | None = None, seconds: float = 60
    ) -> Any:
        """Wait for the end of a run, or for another state of it; give the run.

        Raises TimeoutError.
        """
        ended = until or (lambda run: run["state"]["life_cycle_state"] in ("TERMINATED", "INTERNAL_ERROR"))
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            run = next(run for run in self.runs() if run["run_id"] == run_id)
            if ended(run):
                return run
            time.sleep(0.1)
        raise TimeoutError(f"after {seconds} s: {run}")

    def _control(self, method: str, what: str, body: object = None, seconds: float = 30) -> Any:
        request = Request(
            f"{self.direct_url}/_standin/{what}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Standin-Control": self.facts["control_token"], "Content-Type": "application/json"},
        )
        with self._opener.open(request, timeout=seconds) as answer:
            return json.load(answer)


def as_arguments(root: Path, **options: object) -> list[str]:
    """Give the options as an argument list of the stand-in."""
    arguments = ["--root", str(root)]
    for name, value in options.items():
        for one in value if isinstance(value, list) else [value]:
            arguments.append(f"--{name.replace('_', '-')}{'' if one is True else f'={one}'}")
    return arguments


@contextmanager
def start(root: Path, running_spark: str = "", **options: object) -> Iterator[Standin]:
    """Run a stand-in below `root` until the block is left; `spark_memory="1g"` stands for --spark-memory 1g.

    An option that is True is a switch, a list is an option given several times. `running_spark` is the address of a
    server for it, which has the settings `of_databricks` for the same root. If this process dies, the stand-in ends too.

    Raises RuntimeError with its log if it does not start.
    """
    root.mkdir(parents=True, exist_ok=True)
    facts, log = root / "standin.json", root / "standin.log"
    facts.unlink(missing_ok=True)
    arguments = as_arguments(root, end_with_stdin=True, **options)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [PYTHON, "-m", "tests.support.standin", *arguments],
            cwd=PROJECT,
            env=os.environ | {RUNNING_SPARK: running_spark},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 60
        while not facts.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the stand-in did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)
        yield Standin(json.loads(facts.read_text()))
    finally:
        process.terminate()
        process.wait(60)
        if process.stdin:
            process.stdin.close()
