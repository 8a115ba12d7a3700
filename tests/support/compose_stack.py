"""A compose project of its own for a test, and the ways to talk to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from tests.support.project import PROJECT, free_port


@dataclass
class Stack:
    """The services of one compose project, and the way to talk to them."""

    override: Path
    project: str = field(default_factory=lambda: f"lakehouse-test-{os.getpid()}")
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def docker(self, *arguments: str, stdin: str = "", check: bool = True) -> str:
        """Standard output of `docker …`; its complaints are in the error when it fails."""
        environment = os.environ | {"AIRFLOW_PORT": str(self.port)}
        done = subprocess.run(
            ["docker", *arguments],
            cwd=PROJECT,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not check, (
            f"docker {arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        )
        return done.stdout + ("" if check else done.stderr)

    def compose(self, *arguments: str, stdin: str = "", check: bool = True) -> str:
        files = ("-f", "docker-compose.yml", "-f", str(self.override))
        return self.docker("compose", "-p", self.project, *files, *arguments, stdin=stdin, check=check)

    def run(self, service: str, *command: str, stdin: str = "", check: bool = True) -> str:
        """Output of a command in a service that is up."""
        return self.compose("exec", "-T", service, *command, stdin=stdin, check=check)

    def typed(self, line: str, folder: Path) -> None:
        """Run a `docker compose …` line of the README in that folder, on this project."""
        files = f"-f {PROJECT}/docker-compose.yml -f {self.override}"
        command = line.replace("docker compose", f"docker compose -p {self.project} {files}", 1)
        environment = os.environ | {"AIRFLOW_PORT": str(self.port)}
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stdout[-3000:]}{done.stderr[-3000:]}"

    def container(self, service: str) -> str:
        return self.compose("ps", "-aq", service).strip()

    def inspect(self, service: str) -> dict[str, Any]:
        described: dict[str, Any] = json.loads(self.docker("inspect", self.container(service)))[0]
        return described

    @cached_property
    def password(self) -> str:
        """As the documented command prints it."""
        passwords = json.loads(self.run("airflow-apiserver", "cat", "/secrets/login/passwords.json"))
        return str(passwords["admin"])

    @cached_property
    def secrets(self) -> dict[str, str]:
        """Every secret of this installation, by name."""
        database = ("password", "fernet-key")
        known = {name: self.run("airflow-scheduler", "cat", f"/secrets/database/{name}") for name in database}
        for name in ("jwt-secret", "session-key"):
            known[name] = self.run("airflow-scheduler", "cat", f"/secrets/api/{name}")
        known["token"] = self.run("spark", "cat", "/secrets/spark/token")
        return known | {"ui password": self.password}

    @cached_property
    def login(self) -> requests.Session:
        """What a browser holds after the login page: the cookie, and nothing else."""
        credentials = {"username": "admin", "password": self.password}
        answer = requests.post(f"{self.url}/auth/token", json=credentials, timeout=30)
        answer.raise_for_status()
        session = requests.Session()
        session.cookies.set("_token", answer.json()["access_token"])
        return session

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self.login.request(method, f"{self.url}/api/v2{path}", json=body, timeout=30)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        decoded: dict[str, Any] = answer.json()
        return decoded

    def memory(self) -> float:
        """Bytes that all services use now."""
        containers = self.compose("ps", "-q").split()
        usages = self.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", *containers)
        units = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
        return sum(float(size) * units[unit] for size, unit in re.findall(r"([\d.]+)(\w+) /", usages))
