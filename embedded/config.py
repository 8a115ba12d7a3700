"""The configuration of a stack: folders, ports, target."""

from __future__ import annotations

import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from embedded.errors import Refused

PROJECT = Path(__file__).resolve().parents[1]
TARGETS = "dags/targets.toml"
PLATFORMS = ("local", "databricks")


@dataclass(frozen=True)
class Config:
    """One stack: its folder for state, its lake, its ports."""

    run_dir: Path
    """Process ids, logs, secrets and Airflow's home."""

    home: Path
    """The lake."""

    airflow_port: int
    connect_port: int

    target: str
    """Target of the nights: a name in `dags/targets.toml`."""

    runs_spark: bool
    """Whether they run on this machine's Spark."""

    @property
    def airflow_home(self) -> Path:
        """Airflow's own folder: database and task logs."""
        return self.run_dir / "airflow"

    @property
    def logs(self) -> Path:
        """What the services print."""
        return self.run_dir / "logs"

    @property
    def url(self) -> str:
        """The Airflow UI."""
        return f"http://127.0.0.1:{self.airflow_port}"

    @property
    def spark_python(self) -> Path:
        """Python of the jobs environment."""
        return PROJECT / ".venv/spark/bin/python"

    @property
    def airflow(self) -> Path:
        """Airflow's command."""
        return PROJECT / ".venv/airflow/bin/airflow"


def read_config(*, needs_target: bool = True) -> Config:
    """Return the configuration from environment variables and their defaults. Raises Refused.

    LAKEHOUSE_RUN_DIR (.run), LAKEHOUSE_HOME (lake), AIRFLOW_PORT (8080), SPARK_CONNECT_PORT (15002),
    LAKEHOUSE_TARGET (local). Where no target is needed, one that cannot be used is a warning.
    """
    target = os.environ.get("LAKEHOUSE_TARGET") or "local"
    run_dir = _folder("LAKEHOUSE_RUN_DIR", ".run")
    # Every command needs it, if only for the password with which it asks Airflow.
    check_writable(run_dir, "LAKEHOUSE_RUN_DIR")
    return Config(
        run_dir=run_dir,
        home=_folder("LAKEHOUSE_HOME", "lake"),
        airflow_port=_port("AIRFLOW_PORT", 8080),
        connect_port=_port("SPARK_CONNECT_PORT", 15002),
        target=target,
        runs_spark=_runs_spark(target, needs_target),
    )


def _runs_spark(target: str, is_needed: bool) -> bool:
    try:
        return _platform(target) == "local"
    except Refused as error:
        if is_needed:
            raise
        print(f"warning: {error}", file=sys.stderr)
        return True  # what was started may have it


def _platform(target: str) -> str:
    try:
        targets = tomllib.loads((PROJECT / TARGETS).read_text())
    except (OSError, ValueError) as error:
        raise Refused(f"{TARGETS} cannot be read: {error}") from None
    if target not in targets:
        raise Refused(f"LAKEHOUSE_TARGET={target[:40]} is no target; there are: {', '.join(targets)}")
    found = targets[target].get("platform") if isinstance(targets[target], dict) else None
    if found not in PLATFORMS:
        raise Refused(f"{TARGETS}: [{target}] needs platform, one of {', '.join(PLATFORMS)}")
    return str(found)


def check_writable(folder: Path, variable: str) -> None:
    """Raise Refused unless the folder can be written to, or created."""
    nearest = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not nearest.is_dir():
        raise Refused(f"{variable}: {nearest} is not a folder; name another")
    if not os.access(nearest, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise Refused(f"{variable}: {nearest} cannot be written to; make it yours or name another folder")


def _folder(name: str, default: str) -> Path:
    return (PROJECT / Path(os.environ.get(name) or default).expanduser()).absolute()


def _port(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise Refused(f"{name}={text[:40]} is not a port; give a number from 1024 to 65535")
    return int(text)
