"""Jobs 2.2: one-time runs of Python wheel tasks."""

import json
import threading
from typing import Any

from databricks.sdk.service import jobs
from fastapi import APIRouter, Request

from tests.support.standin.clusters import Clusters
from tests.support.standin.environments import PYTHONS
from tests.support.standin.errors import ApiError
from tests.support.standin.runs import Attempt, Run, Runs
from tests.support.standin.shapes import checked, read_request

PAGE = 100
LOG_LIMIT = 5 * 2**20
TASKS = tuple(name for name in jobs.SubmitTask.__annotations__ if name.endswith("_task"))


def routes(runs: Runs, clusters: Clusters) -> APIRouter:
    """Give the routes below /api/2.2/jobs/runs."""
    router = APIRouter(prefix="/api/2.2/jobs/runs")
    submitting = threading.Lock()

    @router.post("/submit")
    def submit(request: Request) -> dict[str, Any]:
        body = read_request(jobs.JobsAPI.submit, json.loads(request.state.body or b"null"))
        _check(body, clusters)
        # Two requests with one token at the same time are still one run.
        with submitting:
            return checked(jobs.SubmitRunResponse, {"run_id": runs.submit(body)})

    @router.get("/get")
    def get(run_id: int, request: Request, page_token: str = "0") -> dict[str, Any]:
        run, attempt = runs.get(run_id)
        if attempt:
            return checked(jobs.Run, _task_run(run, attempt, request))
        start = int(page_token)
        answer = _run(run, request)
        tasks = [_task(run, one, request) for one in run.attempts]
        answer["tasks"] = tasks[start : start + PAGE]
        if len(tasks) > start + PAGE:
            answer["next_page_token"] = str(start + PAGE)
        return checked(jobs.Run, answer)

    @router.get("/get-output")
    def get_output(run_id: int, request: Request) -> dict[str, Any]:
        run, attempt = runs.get(run_id)
        if not attempt:
            raise ApiError(
                "INVALID_PARAMETER_VALUE",
                "Retrieving the output of runs with multiple tasks is not supported. Please retrieve the "
                "output of each individual task run instead.",
            )
        answer: dict[str, Any] = {"metadata": _task_run(run, attempt, request)}
        if attempt.log:
            logs = attempt.log.read_bytes()
            answer["logs"] = logs[-LOG_LIMIT:].decode(errors="replace")
            answer["logs_truncated"] = len(logs) > LOG_LIMIT
        error = attempt.error or (attempt.message if attempt.life == "INTERNAL_ERROR" else None)
        if error is not None:
            answer["error"] = error
        if attempt.error_trace:
            answer["error_trace"] = attempt.error_trace
        return checked(jobs.RunOutput, answer)

    @router.get("/list")
    def list_runs(
        request: Request,
        active_only: bool = False,
        completed_only: bool = False,
        expand_tasks: bool = False,
        job_id: int | None = None,
        limit: int = 20,
        page_token: str = "0",
        run_type: str = "SUBMIT_RUN",
        start_time_from: int = 0,
        start_time_to: int | None = None,
    ) -> dict[str, Any]:
        if active_only and completed_only:
            raise ApiError("INVALID_PARAMETER_VALUE", "active_only and completed_only cannot both be true.")
        found = [
            run
            for run in runs.all()
            if not (active_only and run.end_time)
            and not (completed_only and not run.end_time)
            and job_id in (None, run.job_id)
            and run_type == "SUBMIT_RUN"
            and start_time_from <= run.start_time
            and (start_time_to is None or run.start_time <= start_time_to)
        ]
        if not 0 <= limit <= 25:
            raise ApiError("INVALID_PARAMETER_VALUE", "limit must be at least 0 and at most 25.")
        start, limit = int(page_token), limit or 25
        answer: dict[str, Any] = {"has_more": len(found) > start + limit}
        if page := found[start : start + limit]:
            answer["runs"] = [_run(run, request) for run in page]
        if expand_tasks:
            for run, body in zip(page, answer.get("runs", []), strict=True):
                body["tasks"] = [_task(run, one, request) for one in run.attempts[:PAGE]]
                body["has_more"] = len(run.attempts) > PAGE
        if answer["has_more"]:
            answer["next_page_token"] = str(start + limit)
        return checked(jobs.ListRunsResponse, answer)

    @router.post("/cancel")
    def cancel(request: Request) -> dict[str, Any]:
        runs.cancel(
            read_request(jobs.JobsAPI.cancel_run, json.loads(request.state.body or b"null"))["run_id"]
        )
        return {}

    @router.post("/delete")
    def delete(request: Request) -> dict[str, Any]:
        runs.delete(
            read_request(jobs.JobsAPI.delete_run, json.loads(request.state.body or b"null"))["run_id"]
        )
        return {}

    return router


def _refuse(message: str) -> None:
    raise ApiError("INVALID_PARAMETER_VALUE", message)


def _check(body: dict[str, Any], clusters: Clusters) -> None:
    """Refuse what fits the shape and yet cannot be run."""
    if len(body.get("idempotency_token") or "") > 64:
        _refuse("The idempotency_token must be at most 64 characters long.")
    tasks = body.get("tasks") or []
    if not 1 <= len(tasks) <= 1000:
        _refuse("A run must have at least one task and at most 1000.")
    keys = [task["task_key"] for task in tasks]
    for key in keys:
        if keys.count(key) > 1:
            _refuse(f"Duplicate task key found: '{key}'. Task keys must be unique.")
    environments = [environment["environment_key"] for environment in body.get("environments") or []]
    if len(set(environments)) < len(environments):
        _refuse("Duplicate environment_key found in environments.")
    for environment in body.get("environments") or []:
        _check_environment(environment)
    for task in tasks:
        _check_task(task, environments, clusters)
        for upstream in task.get("depends_on") or []:
            if upstream["task_key"] not in keys or upstream["task_key"] == task["task_key"]:
                _refuse(f"Task '{task['task_key']}' depends on an unknown task '{upstream['task_key']}'.")
    _check_order(tasks)


def _check_order(tasks: list[dict[str, Any]]) -> None:
    waiting = {task["task_key"]: {up["task_key"] for up in task.get("depends_on") or []} for task in tasks}
    while waiting:
        ready = [key for key, upstream in waiting.items() if not upstream & waiting.keys()]
        if not ready:
            _refuse("The task dependencies contain a cycle.")
        for key in ready:
            del waiting[key]


def _check_environment(environment: dict[str, Any]) -> None:
    spec, key = environment.get("spec") or {}, environment["environment_key"]
    version = spec.get("environment_version") or spec.get("client")
    if not version:
        _refuse(f"Environment '{key}': either environment_version or base_environment must be provided.")
    if f"client.{version}" not in PYTHONS:
        _refuse(f"Environment '{key}': unknown environment_version '{version}'.")
    for line in spec.get("dependencies") or []:
        if line.startswith("-"):
            _refuse(f"Environment '{key}': the stand-in installs no dependency '{line}'.")


def _check_task(task: dict[str, Any], environments: list[str], clusters: Clusters) -> None:
    key = task["task_key"]
    kinds = [kind for kind in TASKS if task.get(kind)]
    if kinds != ["python_wheel_task"]:
        _refuse(
            f"Task '{key}' must have exactly one type of task, and the stand-in runs python_wheel_task only; "
            f"got {', '.join(kinds) or 'none'}."
        )
    wheel = task["python_wheel_task"]
    if wheel.get("parameters") and wheel.get("named_parameters"):
        _refuse(f"Task '{key}': only one of parameters and named_parameters can be set.")
    compute = [kind for kind in ("environment_key", "existing_cluster_id", "new_cluster") if task.get(kind)]
    if not compute:
        _refuse(
            f"An environment is required for serverless task {key}. Please define one using `environments` "
            "and `environment_key`."
        )
    if len(compute) > 1:
        _refuse(f"Task '{key}': only one of {' and '.join(compute)} can be set.")
    if compute == ["environment_key"]:
        if task["environment_key"] not in environments:
            _refuse(f"Task '{key}': environment_key '{task['environment_key']}' is not in environments.")
        if task.get("libraries"):
            _refuse(
                "Libraries field is not supported for serverless task, please specify libraries in environment."
            )
        if not task.get("disable_auto_optimization"):
            _refuse(f"Task '{key}': the stand-in runs serverless tasks with disable_auto_optimization only.")
        return
    for library in task.get("libraries") or []:
        if set(library) - {"whl", "pypi"} or len(library) != 1:
            _refuse(f"Task '{key}': the stand-in installs libraries of the kinds whl and pypi, one each.")
    if compute == ["existing_cluster_id"]:
        # Kept with the task: the cluster as it was when the run was submitted.
        task["_cluster"] = clusters.get(task["existing_cluster_id"])
    else:
        clusters.check(task["new_cluster"], key)


def _url(run: Run, run_id: int, request: Request) -> str:
    workspace = request.app.state.settings.workspace_id
    return f"https://{request.url.netloc}/?o={workspace}#job/{run.job_id}/run/{run_id}"


def _state(life: str, result: str, message: str, stopped: bool) -> dict[str, Any]:
    state = {"life_cycle_state": life, "state_message": message, "user_cancelled_or_timedout": stopped}
    return {**state, "result_state": result} if result else state


def _status(life: str, code: str, message: str) -> dict[str, Any]:
    if not code:
        return {"state": life}
    kind = {"SUCCESS": "SUCCESS", "INTERNAL_ERROR": "INTERNAL_ERROR"}.get(code, "CLIENT_ERROR")
    return {
        "state": "TERMINATED",
        "termination_details": {"code": code, "type": kind, "message": message},
    }


def _run(run: Run, request: Request) -> dict[str, Any]:
    life, result, message, code = run.outcome()
    body: dict[str, Any] = {
        "job_id": run.job_id,
        "run_id": run.run_id,
        "job_run_id": run.run_id,
        "number_in_job": run.run_id,
        "original_attempt_run_id": run.run_id,
        "creator_user_name": request.app.state.settings.user,
        "run_name": run.body.get("run_name") or "Untitled",
        "run_type": "SUBMIT_RUN",
        "trigger": "ONE_TIME",
        "run_page_url": _url(run, run.run_id, request),
        "start_time": run.start_time,
        "end_time": run.end_time,
        "state": _state(life, result, message, run.stopping),
        "status": _status(life, code, message),
        "setup_duration": 0,
        "execution_duration": 0,
        "cleanup_duration": 0,
    }
    if run.end_time:
        body["run_duration"] = run.end_time - run.start_time
    return body


def _task(run: Run, attempt: Attempt, request: Request) -> dict[str, Any]:
    settings = {key: value for key, value in attempt.task.items() if key != "_cluster"}
    body: dict[str, Any] = {
        **settings,
        "run_id": attempt.run_id,
        "attempt_number": attempt.number,
        "run_if": settings.get("run_if", "ALL_SUCCESS"),
        "run_page_url": _url(run, attempt.run_id, request),
        "start_time": attempt.start_time,
        "end_time": attempt.end_time,
        "state": _state(attempt.life, attempt.result, attempt.message, run.stopping),
        "status": _status(attempt.life, attempt.code, attempt.message),
        "setup_duration": max(0, attempt.setup_end - attempt.start_time),
        "execution_duration": max(0, attempt.end_time - attempt.setup_end),
        "cleanup_duration": 0,
    }
    if cluster := settings.get("existing_cluster_id"):
        body["cluster_instance"] = {"cluster_id": cluster}
    return body


def _task_run(run: Run, attempt: Attempt, request: Request) -> dict[str, Any]:
    """Give the run of one task in the shape of a run."""
    task = _task(run, attempt, request)
    shared = {key: value for key, value in task.items() if key in jobs.Run.__annotations__}
    return {
        **shared,
        "job_id": run.job_id,
        "job_run_id": run.run_id,
        "run_name": task["task_key"],
        "run_type": "SUBMIT_RUN",
        "creator_user_name": request.app.state.settings.user,
        "tasks": [task],
    }
