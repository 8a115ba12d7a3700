"""The body of `runs/submit`: from a job, and from the target's compute."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from job import Job
    from targets import Databricks

PACKAGE, ENTRY_POINT = "iot_lakehouse", "lakehouse"
ENVIRONMENT = "jobs"
# After the task's own `execution_timeout`: Databricks ends a run that Airflow no longer watches.
LOST_SECONDS = 3600


def request(job: Job) -> dict[str, Any]:
    """Return the body of `runs/submit` for a job: one task, without compute."""
    wheel_task = {"package_name": PACKAGE, "entry_point": ENTRY_POINT, "parameters": list(job.argv)}
    return {
        "run_name": f"{{{{ dag.dag_id }}}}.{job.stage} {{{{ run_id }}}}",
        "timeout_seconds": job.hours * 3600 + LOST_SECONDS,
        "tasks": [{"task_key": job.stage, "python_wheel_task": wheel_task}],
    }


def on_compute(body: dict[str, Any], databricks: Databricks, wheel: str) -> dict[str, Any]:
    """Return the body with the target's compute and the wheel."""
    (task,) = body["tasks"]
    if databricks.viewers:
        body = body | {"access_control_list": [_viewer(name) for name in databricks.viewers]}
    if databricks.serverless:
        # Serverless compute would try a failed task again by itself, also one whose data was refused; Airflow decides.
        task = task | {"environment_key": ENVIRONMENT, "disable_auto_optimization": True, "max_retries": 0}
        spec = asdict(databricks.serverless) | {"dependencies": [wheel]}
        return body | {"tasks": [task], "environments": [{"environment_key": ENVIRONMENT, "spec": spec}]}
    cluster = (
        {"existing_cluster_id": databricks.existing_cluster_id}
        if databricks.existing_cluster_id
        else {"new_cluster": databricks.new_cluster}
    )
    return body | {"tasks": [task | {"libraries": [{"whl": wheel}]} | cluster]}


def _viewer(name: str) -> dict[str, str]:
    return {"user_name" if "@" in name else "group_name": name, "permission_level": "CAN_VIEW"}
