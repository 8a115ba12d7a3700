"""What the DAGs emit: the argument lists of runs on a target, rendered as Airflow renders them.

`asked` answers from any environment; `python -m tests.support.emitted` does the work in that of Airflow.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.support.project import PROJECT

PYTHON = PROJECT / ".venv/airflow/bin/python"


@dataclass(frozen=True)
class Run:
    """A run of a DAG: what Airflow knows of it before it begins."""

    dag: str
    run_id: str
    form: Mapping[str, Any] = field(default_factory=dict)


# Task id -> argument list, in the order in which the tasks run.
Emitted = dict[str, list[str]]


def asked(runs: Mapping[str, Run], homes: Mapping[str, Path]) -> dict[str, dict[str, Emitted]]:
    """Target -> name of a run -> what it emits there; `homes` are the targets, and LAKEHOUSE_HOME of each."""
    question = {
        "runs": {name: asdict(run) for name, run in runs.items()},
        "homes": {target: str(home) for target, home in homes.items()},
    }
    with tempfile.TemporaryDirectory(prefix="airflow-") as airflow:
        foreign = ("AIRFLOW", "LAKEHOUSE")
        mine = {key: value for key, value in os.environ.items() if not any(word in key for word in foreign)}
        answer = subprocess.run(
            [PYTHON, "-m", "tests.support.emitted"],
            check=False,
            cwd=PROJECT,
            env=mine | {"AIRFLOW_HOME": airflow},
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert answer.returncode == 0, answer.stderr
    found: dict[str, dict[str, Emitted]] = json.loads(answer.stdout.splitlines()[-1])
    return found


def of(dag: Any, run_id: str, form: Mapping[str, Any]) -> Emitted:
    """The argument lists of one run of a DAG, rendered, and then as the operators take them."""
    environment = dag.get_template_env()
    dag_run = SimpleNamespace(
        run_after=datetime(2024, 3, 6, 1, tzinfo=UTC), logical_date=datetime(2024, 3, 5, 1, tzinfo=UTC)
    )
    context = {"dag_run": dag_run, "params": dag.params.dump() | dict(form), "run_id": run_id}
    found = {}
    for task in dag.topological_sort():
        attempt = SimpleNamespace(dag_id=dag.dag_id, task_id=task.task_id, try_number=1)
        rendered = (environment.from_string(argument).render(context, ti=attempt) for argument in task.argv)
        found[task.task_id] = [argument for argument in rendered if argument]
    return found


def _main() -> None:
    from airflow.dag_processing.dagbag import DagBag

    question = json.load(sys.stdin)
    runs = {name: Run(**run) for name, run in question["runs"].items()}
    found: dict[str, dict[str, Emitted]] = {}
    for target, home in question["homes"].items():
        os.environ |= {"LAKEHOUSE_TARGET": target, "LAKEHOUSE_HOME": home}
        dags: dict[str, Any] = {}
        for name in {run.dag for run in runs.values()}:
            bag = DagBag(str(PROJECT / f"dags/{name}.py"), load_op_links=False)
            dags |= bag.dags
            if bag.import_errors:
                raise SystemExit(str(bag.import_errors))
        found[target] = {name: of(dags[run.dag], run.run_id, run.form) for name, run in runs.items()}
    print(json.dumps(found))


if __name__ == "__main__":
    sys.path[:0] = [str(PROJECT / "dags"), str(PROJECT / "plugins")]
    os.environ |= {
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    _main()
