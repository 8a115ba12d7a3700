"""The services of the stack: what each runs, with which environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

from embedded.config import PROJECT, Config
from embedded.vault import USER, Vault

AIRFLOW_SERVICES = {
    "api-server": ["api-server", "--workers", "1"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}


def spark_environment(config: Config, vault: Vault) -> dict[str, str]:
    """Return the environment of `spark/connect-server`."""
    return _inherited() | {
        "LAKEHOUSE_HOME": str(config.home),
        "LAKEHOUSE_SPARK_PYTHON": str(config.spark_python),
        "PYSPARK_PYTHON": str(config.spark_python),
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": vault.get("connect-token"),
        "SPARK_CONNECT_HOST": "127.0.0.1",
        # Otherwise the driver's own ports listen on every address of the machine.
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_CONNECT_PORT": str(config.connect_port),
        "TZ": "UTC",
    }


def job_environment(config: Config, vault: Vault) -> dict[str, str]:
    """Return the environment of a job that is run by hand on this stack."""
    token = vault.get("connect-token")
    return (
        os.environ
        | _past_proxies()
        | {
            "GX_ANALYTICS_ENABLED": "false",
            "LAKEHOUSE_HOME": str(config.home),
            "LAKEHOUSE_SIMULATE": _simulated(),
            "SPARK_REMOTE": f"sc://127.0.0.1:{config.connect_port}/;authorization=Bearer%20{token}",
        }
    )


def airflow_environment(config: Config, vault: Vault) -> dict[str, str]:
    """Return the environment of Airflow's services: its whole configuration, and variables of its tasks."""
    return (
        _inherited()
        # Connections of the caller's own, such as that to Databricks.
        | {name: value for name, value in os.environ.items() if name.startswith("AIRFLOW_CONN_")}
        | _airflow_settings(config, vault)
        | _past_proxies()
        | {
            "AIRFLOW_HOME": str(config.airflow_home),
            "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps(
                {
                    "conn_type": "spark_connect",
                    "host": "127.0.0.1",
                    "port": config.connect_port,
                    "password": vault.get("connect-token"),
                }
            ),
            "GX_ANALYTICS_ENABLED": "false",
            "LAKEHOUSE_HOME": str(config.home),
            "LAKEHOUSE_ICEBERG": os.environ.get("LAKEHOUSE_ICEBERG", ""),
            "LAKEHOUSE_JOBS_PYTHON": str(config.spark_python),
            "LAKEHOUSE_SIMULATE": _simulated(),
            "LAKEHOUSE_TARGET": config.target,
            # The DAGs read the catalog.
            "PYTHONPATH": str(PROJECT),
            "PYTHONUNBUFFERED": "1",
            "TZ": "UTC",
        }
    )


def _simulated() -> str:
    """Return what the caller says of sources to simulate, for runs that say nothing of it themselves."""
    return os.environ.get("LAKEHOUSE_SIMULATE") or os.environ.get("SIMULATE", "")


def _past_proxies() -> dict[str, str]:
    """Return variables that keep what is on this machine out of a company's proxy, as well as what the caller keeps."""
    callers = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    hosts = ",".join(filter(None, [callers, "localhost,127.0.0.1"]))
    return {"no_proxy": hosts, "NO_PROXY": hosts}


def _airflow_settings(config: Config, vault: Vault) -> dict[str, str]:
    settings = {
        "CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "4",
        "CORE__LOAD_EXAMPLES": "false",
        "CORE__FERNET_KEY": vault.fernet_key(),
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(vault.users_file()),
        "CORE__EXECUTION_API_SERVER_URL": f"{config.url}/execution/",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(config.airflow_port),
        "API__BASE_URL": config.url,
        "API__SECRET_KEY": vault.get("api-secret"),
        "API_AUTH__JWT_SECRET": vault.get("jwt-secret"),
        # This stack runs nights when asked: at 01:00 a laptop sleeps, and a night of another scale than
        # the one just asked for would be in its way. Backfills work; the container stack has the schedule on.
        "SCHEDULER__USE_JOB_SCHEDULE": "false",
        # What a stack without work takes follows from these. `embedded.renewal` has the DAG read when it changed.
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
        "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "60",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
    }
    return {f"AIRFLOW__{name}": value for name, value in settings.items()}


def _inherited() -> dict[str, str]:
    """Return the caller's environment without variables that would configure this stack."""
    foreign = (
        *("AIRFLOW", "_AIRFLOW", "LAKEHOUSE_", "PYTHON", "PYSPARK_", "VIRTUAL_ENV", "MAKE", "MFLAGS"),
        *("SPARK_HOME", "SPARK_CONF", "SPARK_CONNECT", "SPARK_REMOTE"),
    )
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def spark_command() -> list[str]:
    """Return the command of the Connect server, in the foreground."""
    return [str(PROJECT / "spark/connect-server")]


def airflow_command(config: Config, service: str) -> list[str]:
    """Return the command of one of Airflow's services."""
    return [str(config.airflow), *AIRFLOW_SERVICES[service]]


def log_of(config: Config, service: str) -> Path:
    """Return the log file of a service."""
    return config.logs / f"{service}.log"
