"""Having Airflow read the nightly DAG again: it looks every few minutes, and does not know of the catalog."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from embedded.airflow_api import AirflowApi
from embedded.config import PROJECT
from embedded.errors import Failed

# What the DAG is made of.
FOLDERS = (PROJECT / "catalog", PROJECT / "dags")
PATIENCE = 30  # seconds; after that the DAG is taken as Airflow has it, and the stages say what is wrong


def renew(api: AirflowApi, dag: str, folders: Iterable[Path] = FOLDERS) -> None:
    """Have Airflow read a DAG again, and wait for it, if a file that it is made of is younger than what Airflow has.

    Raises Failed when it cannot read it.
    """
    changed = max(
        (file.stat().st_mtime for folder in folders for file in folder.rglob("*.*") if file.suffix != ".pyc"),
        default=0.0,
    )
    known = api.get(f"/dags/{dag}")
    if _read_at(known) > changed:
        return
    with suppress(Failed):  # somebody else has asked already
        api.put(f"/parseDagFile/{known['file_token']}", {})
    deadline = time.monotonic() + PATIENCE
    while _read_at(api.get(f"/dags/{dag}")) <= changed and time.monotonic() < deadline:
        if why := unreadable(api, dag, changed):
            raise Failed(why)
        time.sleep(0.5)


def unreadable(api: AirflowApi, dag: str, since: float) -> str:
    """Return, in one line, why Airflow failed to read the file of a DAG since a moment (Unix time), if it did."""
    for error in (api.get("/importErrors?limit=100") or {}).get("import_errors", []):
        is_new = datetime.fromisoformat(error["timestamp"]).timestamp() >= since
        if is_new and Path(error["filename"]).name == f"{dag}.py":
            why = (error["stack_trace"].strip().splitlines() or ["no reason given"])[-1]
            # Without the class of the exception.
            return f"Airflow cannot read dags/{dag}.py: {re.sub(r'^[A-Za-z_.]+: ', '', why)}"
    return ""


def _read_at(dag: dict[str, str]) -> float:
    return datetime.fromisoformat(dag["last_parsed_time"]).timestamp()
