"""Whether the containers' memory stays flat while somebody looks at the UI all the time, and a night outlives the API.

    .venv/spark/bin/python benchmarks/soak.py
        --minutes 60      how long
        --clients 4       who ask at once, each as fast as it is answered
        --json FILE       writes all samples

The stack is one of its own (`docker compose -p lakehouse-soak`), which is gone afterwards; its images must be built.
The clients ask for what the grid of `iot_nightly` asks for, which a browser does every three seconds. A night of little
data is triggered every quarter of an hour. In the second, the API server is killed with -9 in the middle of a stage.
Printed are the memory of each service, in MiB, at the start, after ten minutes and at the end, how many hours of a
browser the requests were, and how the nights ended; the command ends with 1 if one did not succeed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[1]
PROJECT, PORT = "lakehouse-soak", 18080
URL = f"http://127.0.0.1:{PORT}"
DAG = "iot_nightly"
# What the page of the DAG's grid asks for again and again.
ASKED = (
    f"/ui/grid/structure/{DAG}?limit=25",
    f"/ui/grid/runs/{DAG}?limit=25",
    f"/ui/dags/{DAG}/latest_run",
    f"/api/v2/dags/{DAG}/details",
    f"/api/v2/dags/{DAG}/dagRuns?limit=25&order_by=-run_after",
    "/api/v2/monitor/health",
)
EVERY = 3  # seconds, in which a browser asks for all of that once
BETWEEN_NIGHTS = 900  # seconds
FIRST_NIGHT = date(2024, 3, 5)
UNITS = {"B": 1 / 2**20, "KiB": 1 / 2**10, "MiB": 1, "GiB": 2**10}


@dataclass
class Soak:
    """A stack that is looked at."""

    answers: Counter[int] = field(default_factory=Counter)
    samples: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    nights: dict[str, str] = field(default_factory=dict)
    is_over: threading.Event = field(default_factory=threading.Event)

    def compose(self, *arguments: str) -> str:
        """Return what `docker compose …` prints. Raises CalledProcessError."""
        command = ["docker", "compose", "-p", PROJECT, *arguments]
        # The night that the schedule starts, at full scale, has nothing to do.
        environment = os.environ | {"AIRFLOW_PORT": str(PORT), "SIMULATE": "none"}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
        return done.stdout

    def login(self) -> requests.Session:
        """Return what a browser has after the login."""
        passwords = self.compose("exec", "-T", "airflow-apiserver", "cat", "/secrets/login/passwords.json")
        credentials = {"username": "admin", "password": json.loads(passwords)["admin"]}
        answer = requests.post(f"{URL}/auth/token", json=credentials, timeout=60)
        answer.raise_for_status()
        session = requests.Session()
        session.cookies.set("_token", answer.json()["access_token"])
        return session

    def look(self, session: requests.Session) -> None:
        """Ask until it is over; while the API server is away, wait."""
        while not self.is_over.is_set():
            for path in ASKED:
                try:
                    self.answers[session.get(f"{URL}{path}", timeout=60).status_code] += 1
                except requests.ConnectionError:
                    self.answers[0] += 1
                    time.sleep(1)

    def sample(self, since: float) -> None:
        """Keep the memory of each service."""
        form = "{{.Name}} {{.MemUsage}}"
        asked = ["docker", "stats", "--no-stream", "--format", form]
        said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
        found = re.findall(rf"^{PROJECT}-(\S+)-\d+ ([\d.]+)(\w+)", said, re.M)
        used = {service: float(size) * UNITS[unit] for service, size, unit in found}
        self.samples.append((time.monotonic() - since, used))

    def trigger(self, session: requests.Session, number: int) -> str:
        """Trigger a night of little data; its run id."""
        night = str(FIRST_NIGHT + timedelta(number))
        conf = {"night": night, "scale": 0.02, "tables": ["sensor_logs"], "simulate": "all"}
        body = {"logical_date": None, "conf": conf, "dag_run_id": f"soak-{number}"}
        answer = session.post(f"{URL}/api/v2/dags/{DAG}/dagRuns", json=body, timeout=60)
        answer.raise_for_status()
        return str(answer.json()["dag_run_id"])

    def kill_api_server(self, session: requests.Session, run: str) -> None:
        """Kill the API server with -9 once a stage of the run is at work."""
        path = f"{URL}/api/v2/dags/{DAG}/dagRuns/{run}/taskInstances"
        while not any(
            task["state"] == "running" and task["task_id"] == "silver"
            for task in session.get(path, timeout=60).json()["task_instances"]
        ):
            time.sleep(0.5)
        container = self.compose("ps", "-q", "airflow-apiserver").strip()
        asked = ["docker", "inspect", "-f", "{{.State.Pid}}", container]
        pid = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
        os.kill(int(pid), signal.SIGKILL)

    def ends(self, session: requests.Session) -> dict[str, str]:
        """How each night ended, waiting for those that are not over."""
        for run in self.nights:
            while (state := self._state(session, run)) in ("queued", "running"):
                time.sleep(5)
            self.nights[run] = state
        return self.nights

    def _state(self, session: requests.Session, run: str) -> str:
        answer: dict[str, Any] = session.get(f"{URL}/api/v2/dags/{DAG}/dagRuns/{run}", timeout=60).json()
        return str(answer["state"])


def soak(minutes: float, clients: int) -> Soak:
    """Look at a stack for so long."""
    found = Soak()
    found.compose("up", "-d", "--wait")
    try:
        session = found.login()
        session.patch(f"{URL}/api/v2/dags/{DAG}", json={"is_paused": False}, timeout=60).raise_for_status()
        looking = [threading.Thread(target=found.look, args=[found.login()]) for _ in range(clients)]
        started = time.monotonic()
        for each in looking:
            each.start()
        try:
            while (elapsed := time.monotonic() - started) < 60 * minutes:
                if elapsed >= BETWEEN_NIGHTS * len(found.nights):
                    number = len(found.nights)
                    found.nights[found.trigger(session, number)] = ""
                    if number == 1:
                        found.kill_api_server(session, f"soak-{number}")
                        time.sleep(30)
                found.sample(started)
                print(f"{elapsed / 60:.0f} min", dict(found.answers), found.samples[-1][1], file=sys.stderr)
                time.sleep(20)
        finally:
            found.is_over.set()
            for each in looking:
                each.join()
        found.ends(session)
        return found
    finally:
        found.compose("down", "--volumes", "--timeout", "20")


def main() -> int:
    """Soak and print; 1 if a night did not succeed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = soak(given.minutes, given.clients)
    after_ten = next((used for at, used in found.samples if at >= 600), found.samples[-1][1])
    print("| service | start | after ten minutes | end | most |\n|---|---|---|---|---|")
    for service in sorted(found.samples[-1][1]):
        most = max(used.get(service, 0) for _, used in found.samples)
        values = (found.samples[0][1], after_ten, found.samples[-1][1])
        cells = " | ".join(f"{used.get(service, 0):,.0f}" for used in values)
        print(f"| {service} | {cells} | {most:,.0f} |")
    asked = found.answers.total()
    hours = asked / len(ASKED) * EVERY / 3600
    print(
        f"\n{asked:,} requests, as many as a browser sends in {hours:,.0f} hours; answers {dict(found.answers)}"
    )
    print(f"nights: {found.nights}")
    if given.json:
        given.json.write_text(json.dumps({"samples": found.samples, "nights": found.nights}))
    return 0 if set(found.nights.values()) == {"success"} else 1


if __name__ == "__main__":
    sys.exit(main())
