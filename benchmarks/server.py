"""A Spark Connect server whose work is counted: SQL executions, jobs, rows and bytes, by Spark's own event log."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
UP_WITHIN = 120  # seconds
# Event -> what it counts as; those of tasks carry figures of their own.
COUNTED = {
    "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart": "executions",
    "SparkListenerJobStart": "jobs",
    "SparkListenerTaskEnd": "tasks",
}


@dataclass
class Server:
    """The server of one checkout and one lake, while it is up."""

    process: subprocess.Popen[bytes]
    environment: dict[str, str]
    """With which jobs reach it."""

    events: Path
    read: int = field(default=0)

    @property
    def cpu(self) -> float:
        """Processor seconds that it has used so far."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(text[11]) + int(text[12])) / TICKS

    def work(self) -> Counter[str]:
        """What it has done since this was asked last: executions, jobs, tasks, rows and MB read and written."""
        time.sleep(0.5)  # the log is behind by its queue
        found: Counter[str] = Counter()
        for file in sorted(self.events.iterdir()):
            with file.open("rb") as log:
                log.seek(self.read)
                lines = log.read()
            whole = lines[: lines.rfind(b"\n") + 1]
            self.read += len(whole)
            for line in whole.splitlines():
                found += _of_event(json.loads(line))
        return found


def _of_event(event: Mapping[str, object]) -> Counter[str]:
    if not (name := COUNTED.get(str(event["Event"]))):
        return Counter()
    found = Counter({name: 1})
    metrics = event.get("Task Metrics")
    if isinstance(metrics, dict):
        for way, done in (("Input", "Read"), ("Output", "Written")):
            of_way = metrics.get(f"{way} Metrics", {})
            found[f"rows {done.lower()}"] = of_way.get(f"Records {done}", 0)
            found[f"bytes {done.lower()}"] = of_way.get(f"Bytes {done}", 0)
    return found


@contextmanager
def running(checkout: Path, lake: Path) -> Iterator[Server]:
    """Run the server of a checkout on a lake. Raises RuntimeError with the end of its log if it does not come up."""
    lake.mkdir(parents=True, exist_ok=True)
    events = lake.with_name(f"{lake.name}-events") / str(time.time_ns())
    events.mkdir(parents=True)
    port, token = _free_port(), secrets.token_hex(16)
    counted = {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.eventLog.rolling.enabled": "false",
    }
    environment = {
        **os.environ,
        "LAKEHOUSE_HOME": str(lake),
        "LAKEHOUSE_SPARK_PYTHON": str(checkout / ".venv/spark/bin/python"),
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": token,
        "SPARK_CONNECT_PORT": str(port),
        "SPARK_LOCAL_IP": "127.0.0.1",
        # Of the JVM, so that no checkout needs settings for it.
        "SPARK_SUBMIT_OPTS": " ".join(f"-D{name}={value}" for name, value in counted.items()),
        "TZ": "UTC",
    }
    log = events.with_suffix(".log")
    with log.open("w") as output:
        process = subprocess.Popen(
            [checkout / "spark/connect-server"], env=environment, stdout=output, stderr=output
        )
    try:
        _wait(port, process, log)
        remote = f"sc://127.0.0.1:{port}/;authorization=Bearer%20{token}"
        jobs = {
            "SPARK_REMOTE": remote,
            "LAKEHOUSE_HOME": str(lake),
            "GX_ANALYTICS_ENABLED": "false",
            "no_proxy": "localhost,127.0.0.1",
        }
        yield Server(process, {**os.environ, **jobs}, events)
    finally:
        process.terminate()
        process.wait(60)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(UP_WITHIN * 4):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.25)
    raise RuntimeError(f"the server did not come up: {log.read_text()[-2000:]}")
