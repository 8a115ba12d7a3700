"""Start the stack, show its state, stop it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from embedded.airflow_api import AirflowApi
from embedded.config import Config
from embedded.errors import Failed, Refused
from embedded.processes import Processes
from embedded.renewal import unreadable
from embedded.services import (
    AIRFLOW_SERVICES,
    airflow_command,
    airflow_environment,
    log_of,
    spark_command,
    spark_environment,
)
from embedded.vault import USER, Vault

START_SECONDS = 180.0
DAG = "iot_nightly"
HEALTH_NAMES = {"scheduler": "scheduler", "triggerer": "triggerer", "dag-processor": "dag_processor"}


class Stack:
    """The Spark Connect server and Airflow of one configuration."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.vault = Vault(config.run_dir / "secrets")
        self.processes = Processes(config.run_dir)
        self.api = AirflowApi(config.url, USER, self.vault.ui_password())
        self.services = (*(["spark"] if config.runs_spark else []), *AIRFLOW_SERVICES)

    def up(self) -> bool:
        """Start services that are not running, and wait until all are healthy; return whether any had to be started."""
        self._refuse_other_settings()
        missing = [name for name in self.services if not self.processes.runs(name)]
        if "spark" in missing:
            self._start_spark()
        if len(missing) > ("spark" in missing):
            environment = airflow_environment(self.config, self.vault)
            self._migrate(environment)
            for name in AIRFLOW_SERVICES:
                if name in missing:
                    self._start(name, airflow_command(self.config, name), environment)
        self._wait("Airflow's API", "api-server", lambda: bool(self.api.healthy()))
        self._prepare_airflow()
        if self.config.runs_spark:
            self._wait("Spark Connect", "spark", self.spark_answers)
        for name, part in HEALTH_NAMES.items():
            self._wait(name, name, partial(self._is_well, part))
        return bool(missing)

    def up_spark(self) -> None:
        """Start the Spark Connect server alone, if it is not running, and wait until it answers."""
        self._refuse_other_settings()
        if not self.processes.runs("spark"):
            self._start_spark()
        self._wait("Spark Connect", "spark", self.spark_answers)

    def status(self) -> dict[str, str]:
        """Return the state of each service, in words."""
        health = self.api.healthy()
        states = {"spark": self.spark_answers(), "api-server": bool(health)}
        states |= {name: health.get(part, False) for name, part in HEALTH_NAMES.items()}
        words = {True: "healthy", False: "not healthy"}
        return {
            name: words[states[name]] if self.processes.runs(name) else "not running"
            for name in self.services
        }

    def down(self) -> list[str]:
        """Stop the services; return the names of those that ran."""
        return self.processes.stop(first="scheduler")

    def spark_answers(self) -> bool:
        """Whether something listens on the Connect port."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.config.connect_port)) == 0

    def _is_well(self, part: str) -> bool:
        return self.api.healthy().get(part, False)

    def _start_spark(self) -> None:
        self._start("spark", spark_command(), spark_environment(self.config, self.vault))

    def _start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.processes.start(name, command, environment, log_of(self.config, name))

    def _refuse_other_settings(self) -> None:
        """Raise Refused when the stack runs with another lake, target or ports than those of the configuration."""
        wanted = {
            "LAKEHOUSE_HOME": str(self.config.home),
            "LAKEHOUSE_TARGET": self.config.target,
            "AIRFLOW_PORT": self.config.airflow_port,
            "SPARK_CONNECT_PORT": self.config.connect_port,
        }
        file = self.config.run_dir / "settings.json"
        running = any(self.processes.runs(name) for name in self.processes.names())
        found: dict[str, Any] = json.loads(file.read_text()) if running and file.exists() else wanted
        if found != wanted:
            other = ", ".join(f"{name}={value}" for name, value in found.items() if wanted[name] != value)
            raise Refused(f"the stack is up with {other}: `make stop` first, or ask for the same")
        file.write_text(json.dumps(wanted))

    def _migrate(self, environment: dict[str, str]) -> None:
        """Create or upgrade Airflow's database."""
        self.config.airflow_home.mkdir(parents=True, exist_ok=True)
        log = log_of(self.config, "db-migrate")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            command = [str(self.config.airflow), "db", "migrate"]
            done = subprocess.run(
                command, check=False, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        if done.returncode:
            raise Failed(f"`airflow db migrate` failed; see {log}")

    def _prepare_airflow(self) -> None:
        """Create the pool of one slot for Spark, wait for the DAG, and unpause it."""
        if self.api.get("/pools/spark") is None:
            description = "One Spark task at a time: they share one server"
            self.api.post("/pools", {"name": "spark", "slots": 1, "description": description})
        self._wait(f"the DAG {DAG}", "dag-processor", self._knows_the_dag)
        if self.api.get(f"/dags/{DAG}")["is_paused"]:
            self.api.patch(f"/dags/{DAG}", {"is_paused": False})

    def _knows_the_dag(self) -> bool:
        """Whether Airflow has read the DAG. Raises Failed when it cannot."""
        if self.api.get(f"/dags/{DAG}") is not None:
            return True
        # What was wrong before it was started may be mended; what it could not read it tries again in minutes.
        if why := unreadable(self.api, DAG, since=self.processes.began("dag-processor")):
            raise Failed(f"{why}; mend that, then `make stop` and the same again")
        return False

    def _wait(self, what: str, service: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            log = log_of(self.config, service)
            if not self.processes.runs(service):
                raise Failed(f"{service} ended while starting; see {log}")
            if time.monotonic() > deadline:
                raise Failed(f"{what} was not ready within {START_SECONDS:.0f} s; see {log}")
            time.sleep(0.2)
