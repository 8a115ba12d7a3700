"""A stand-in for a Databricks workspace: the part of its REST API that Airflow's provider and the SDK call.

Requests are held against the dataclasses of databricks-sdk, and so are the answers. Deviations from the real
API, as far as known:

- A field that the SDK does not know is refused everywhere (MALFORMED_REQUEST); the real API ignores some.
- Tasks are Python wheel tasks only, on compute given by `environment_key`, `existing_cluster_id` or
  `new_cluster`; `run_if` is ALL_SUCCESS or treated as ALL_DONE; no repair, no jobs/create or run-now.
- The wording of refusals is the real one where a public report quotes it, else the stand-in's own.
- A wheel that is not in its volume, or not for the runtime's Python, fails the run while it installs its
  libraries (INTERNAL_ERROR, LIBRARY_INSTALLATION_ERROR), not the request.
- Every runtime is executed by the Python that runs the stand-in, with pyspark-client 4.1.3 and
  requirements/client.txt as constraints; of the packages that a real runtime brings there is none but
  `databricks.sdk.runtime`, whose dbutils reads secrets and does nothing else.
- A cluster's task gets SPARK_REMOTE too; real clusters give a session without it. Nothing is isolated but
  environment variables, working folder and installed packages.
- /Volumes is `<root>/Volumes`: a parameter `/Volumes/…` or `--option=/Volumes/…` is handed on with that prefix.
- A cancelled run's process group gets SIGTERM and ten seconds later SIGKILL; queries that run on the Spark
  server go on until they end.
- SystemExit with code 0 or None is a success; what the real one makes of it differs between runtimes.
- All catalogs share one metastore, which `spark_catalog` shows too. A schema or volume is a folder.
- There are no grants: the one user may do everything. No permissions, policies or instance pools can be made.
- Libraries never stick to a cluster: each run has an environment of its own, where a real cluster that is up keeps
  what it has installed, and takes a wheel of a name that it knows for the one it has.
- A serverless task without `disable_auto_optimization` is refused; the real API takes it, and tries the task again
  by itself when it fails.
- An access mode is asked for and makes no difference. Serverless lets a session set every configuration.
- Volumes are a POSIX disk: renames are atomic, files can be appended to. Real ones are object storage behind FUSE.
- Auto Loader is Spark's file source, for text alone.
- Unknown query parameters are ignored.
- There is one SQL warehouse, of any id and always up: the session of one process, where `SET` holds for the statements
  after it. Results are INLINE and one chunk; a statement is over when its request is answered.
- Secrets can be put and read by runs; there is no listing, deleting or access control.
- Files of 50 MiB and more (multipart upload) are refused with 501.
- run_as, access control, notifications, tags, queues, policies and performance targets are read and ignored.
- Nothing survives a restart but files, tables and installed environments.
"""

import json
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tests.support.standin import clusters as clusters_api
from tests.support.standin import files_api, jobs_api, secrets_api, statements_api, unity_catalog
from tests.support.standin.errors import ApiError
from tests.support.standin.faults import Faults
from tests.support.standin.gate import Gate
from tests.support.standin.runs import Runs, parameters_of
from tests.support.standin.settings import Settings
from tests.support.standin.sign_in import SignIn


def make_app(
    settings: Settings,
    runs: Runs,
    faults: Faults,
    clusters: clusters_api.Clusters,
    spark_remote: Callable[[], str],
    statements: Callable[[dict[str, Any]], dict[str, Any]],
) -> Gate:
    """Put the workspace together."""
    app = FastAPI(openapi_url=None)
    app.state.settings = settings
    sign_in = SignIn(settings)
    gate = Gate(app, faults, sign_in, settings.control_token)
    volumes = settings.root / "Volumes"
    app.include_router(sign_in.routes())
    app.include_router(jobs_api.routes(runs, clusters))
    app.include_router(files_api.routes(volumes))
    app.include_router(unity_catalog.routes(volumes))
    app.include_router(secrets_api.routes(settings.root / "secrets"))
    app.include_router(clusters_api.routes(clusters))
    app.include_router(statements_api.routes(statements))
    app.include_router(_me(settings))
    app.include_router(_control(gate, runs, faults, sign_in, spark_remote))

    @app.exception_handler(ApiError)
    def refuse(request: Request, error: ApiError) -> JSONResponse:
        return JSONResponse(error.body(), error.status)

    @app.exception_handler(RequestValidationError)
    def refuse_query(request: Request, error: RequestValidationError) -> JSONResponse:
        text = "; ".join(f"{item['loc'][-1]}: {item['msg']}" for item in error.errors())
        return JSONResponse(ApiError("INVALID_PARAMETER_VALUE", text).body(), 400)

    @app.exception_handler(ValueError)
    def refuse_json(request: Request, error: ValueError) -> JSONResponse:
        return JSONResponse(ApiError("MALFORMED_REQUEST", f"Invalid JSON given: {error}").body(), 400)

    @app.exception_handler(HTTPException)
    def no_such_route(request: Request, error: HTTPException) -> JSONResponse:
        text = f"No API found for '{request.method} {request.url.path}'"
        return JSONResponse(ApiError("ENDPOINT_NOT_FOUND", text).body(), 404)

    return gate


def _me(settings: Settings) -> APIRouter:
    router = APIRouter()

    @router.get("/api/2.0/preview/scim/v2/Me")
    def me() -> JSONResponse:
        body = {"id": "1", "userName": settings.user, "displayName": settings.user, "active": True}
        return JSONResponse(body, headers={"X-Databricks-Org-Id": settings.workspace_id})

    return router


def _control(
    gate: Gate, runs: Runs, faults: Faults, sign_in: SignIn, spark_remote: Callable[[], str]
) -> APIRouter:
    router = APIRouter(prefix="/_standin")

    @router.post("/faults")
    def add_faults(request: Request) -> dict[str, Any]:
        faults.add(json.loads(request.state.body))
        return {}

    @router.delete("/faults")
    def clear_faults() -> dict[str, Any]:
        faults.clear()
        return {}

    @router.get("/spark")
    def spark() -> dict[str, Any]:
        return {"remote": spark_remote()}

    @router.get("/tokens")
    def tokens() -> list[str]:
        return sign_in.issued()

    @router.get("/requests")
    def requests() -> list[dict[str, Any]]:
        return gate.requests

    @router.get("/runs")
    def all_runs() -> list[dict[str, Any]]:
        return [
            {
                "run_id": run.run_id,
                "run_name": run.body.get("run_name"),
                "token": run.token,
                "state": dict(
                    zip(("life_cycle_state", "result_state", "message"), run.outcome(), strict=False)
                ),
                "cancelled": run.cancelled,
                "start_time": run.start_time,
                "end_time": run.end_time,
                "attempts": [
                    {
                        "run_id": attempt.run_id,
                        "task_key": attempt.task["task_key"],
                        "number": attempt.number,
                        "life_cycle_state": attempt.life,
                        "result_state": attempt.result,
                        "error": attempt.error,
                        "parameters": parameters_of(attempt.task),
                        "pid": attempt.pid,
                    }
                    for attempt in run.attempts
                ],
            }
            for run in reversed(runs.all())
        ]

    return router
