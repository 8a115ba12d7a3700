"""`make run` and its kin on a stack with its own folder, lake and ports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.pipeline import STEP_NAMES
from embedded.airflow_api import AirflowApi
from tests.support.http_server import Webhook
from tests.support.project import PROJECT
from tests.support.spark_folder import INTERPRETED, QUICK

# The system's Python, not that of an environment: `embedded` must do with the standard library.
SYSTEM_PYTHON = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
NIGHT = "2024-03-05"
SCALE = "0.02"
STAGES = [*STEP_NAMES]
# What a company's machine may have; nobody listens there.
BEHIND_A_PROXY = dict.fromkeys(
    ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"], "http://127.0.0.1:9"
)


def wait_for(true: Callable[[], bool], seconds: float = 1800) -> None:
    """Wait until it is true, and fail when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(1)


@dataclass
class Embedded:
    """The commands of `make run` and its kin, on a stack of their own."""

    root: Path
    airflow_port: int
    connect_port: int
    first_run: str = ""
    notified: Webhook | None = None
    """Receives notifications of failures."""
    """What came there."""

    @property
    def run_dir(self) -> Path:
        return self.root / "run"

    @property
    def home(self) -> Path:
        return self.root / "lake"

    @property
    def webhook(self) -> str:
        """Where Airflow's messages about failures go; those about alerts have an address that goes on from it."""
        return self.notified.address if self.notified else ""

    @property
    def messages(self) -> list[str]:
        """Those about failures that have come."""
        return self._posted(self.webhook)

    @property
    def alerts(self) -> list[str]:
        """Those about alerts that have come."""
        return self._posted(f"{self.webhook}-alerts")

    def _posted(self, address: str) -> list[str]:
        posts = self.notified.posts if self.notified else []
        return [body["text"] for path, body in posts if address.endswith(path)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.airflow_port}"

    @property
    def password(self) -> str:
        return (self.run_dir / "secrets/ui-password").read_text()

    @property
    def first_run_id(self) -> str:
        """The run that the first run's summary points at."""
        found = re.search(r"/dags/iot_nightly/runs/(\S+)", self.first_run)
        assert found, self.first_run
        return found[1]

    def environment(self) -> dict[str, str]:
        """The caller's, pointed at this stack."""
        addresses = {"NOTIFY": self.webhook, "ALERTS": f"{self.webhook}-alerts"} if self.webhook else {}
        connections = {
            f"AIRFLOW_CONN_LAKEHOUSE_{name}": json.dumps({"conn_type": "http", "password": address})
            for name, address in addresses.items()
        }
        return {
            **os.environ,
            **connections,
            "LAKEHOUSE_RUN_DIR": str(self.run_dir),
            "LAKEHOUSE_HOME": str(self.home),
            "AIRFLOW_PORT": str(self.airflow_port),
            "SPARK_CONNECT_PORT": str(self.connect_port),
            # All else is as the product has it; that it runs with generated code shows in the containers.
            "JDK_JAVA_OPTIONS": " ".join([QUICK, *(f"-D{setting}" for setting in INTERPRETED)]),
        }

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """`python3 -m embedded …`, as make calls it."""
        return subprocess.run(
            [SYSTEM_PYTHON, "-m", "embedded", *arguments],
            check=False,
            cwd=PROJECT,
            env=self.environment() | variables,
            capture_output=True,
            text=True,
            timeout=3600,
        )

    def pids(self) -> dict[str, int]:
        """Process id of each service."""
        return {
            file.stem: json.loads(file.read_text())["pid"] for file in (self.run_dir / "pids").glob("*.json")
        }

    def api(self) -> AirflowApi:
        """Airflow's REST API, as the user that the stack made."""
        return AirflowApi(self.url, "admin", self.password)

    def run_results(self, run_id: str) -> dict[str, Any]:
        """The run result of each stage of a run."""
        folder = self.home / "data-docs/runs" / re.sub(r"[^A-Za-z0-9_.-]", "_", run_id)
        return {file.stem: json.loads(file.read_text()) for file in folder.glob("*.json")}


def left_behind(stack: Embedded) -> list[str]:
    """Command lines of processes that still have to do with this stack."""
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if str(stack.run_dir).encode() in environment and int(folder.name) != os.getpid():
            lines.append((folder / "cmdline").read_text().replace("\0", " ")[:200])
    return lines
