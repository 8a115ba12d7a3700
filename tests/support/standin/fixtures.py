"""One stand-in for all tests here, a tiny wheel that its runs execute, and the clients under test."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO

import pytest

from tests.support.spark_folder import FEW_ROWS, QUICK
from tests.support.standin.in_process import serve_here
from tests.support.standin.start import Standin
from tests.support.standin.tiny_wheel import tiny_wheel

WHEEL = "/Volumes/main/tiny/code/tiny-1.0-py3-none-any.whl"


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    clusters = [
        json.dumps({"cluster_id": "0101-000000-running", "spark_version": "15.4.x-scala2.12"}),
        json.dumps({"cluster_id": "0101-000000-current", "spark_version": "17.3.x-scala2.13"}),
    ]
    root = tmp_path_factory.mktemp("standin")
    options = {
        "spark_memory": "1g",
        "spark_conf": [*FEW_ROWS],
        "spark_java_options": QUICK,
        "spark_on_request": True,
        "cluster": clusters,
    }
    with serve_here(root, **options) as running:
        yield running


@pytest.fixture(scope="session")
def standin_spark(standin: Standin) -> str:
    """The address of the workspace's Spark, which few tests need; runs that are submitted later have it too."""
    return standin.spark_remote()


@pytest.fixture(autouse=True)
def no_faults_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "standin" in request.fixturenames:
        request.getfixturevalue("standin").clear_faults()


def sign_in(standin: Standin, patch: pytest.MonkeyPatch) -> None:
    """Export what clients of the workspace need."""
    for key, value in standin.sdk_environment.items():
        patch.setenv(key, value)
    patch.setenv("AIRFLOW_CONN_DATABRICKS_DEFAULT", standin.connection("oauth"))
    patch.setenv("AIRFLOW_CONN_WITH_TOKEN", standin.connection("token"))


@pytest.fixture(scope="session")
def signed_in(standin: Standin) -> Callable[[], AbstractContextManager[object]]:
    """`with signed_in() as client:` for fixtures that outlive a test: no environment is left to tests of others."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.config import Config

    @contextmanager
    def with_client() -> Iterator[object]:
        with pytest.MonkeyPatch.context() as patch:
            sign_in(standin, patch)
            yield WorkspaceClient(config=Config(retry_timeout_seconds=20))

    return with_client


@pytest.fixture(scope="session")
def lasting_client(signed_in: Callable[[], AbstractContextManager[object]]) -> object:
    """One client for all tests: it has its token and its connections once."""
    with signed_in() as client:
        return client


@pytest.fixture
def client(standin: Standin, lasting_client: object, monkeypatch: pytest.MonkeyPatch) -> object:
    """`WorkspaceClient()` that signs in as the service principal, through the proxy."""
    sign_in(standin, monkeypatch)
    return lasting_client


@pytest.fixture
def hook(client: object) -> object:
    """The Airflow provider's hook, signed in as the service principal."""
    from airflow.providers.databricks.hooks.databricks import DatabricksHook

    return DatabricksHook(retry_delay=0.1)


@pytest.fixture(scope="session")
def tiny(signed_in) -> str:
    """Path of the uploaded wheel, in a volume made for it."""
    from databricks.sdk.service.catalog import VolumeType

    with signed_in() as client:
        client.schemas.create("tiny", "main")
        client.volumes.create("main", "tiny", "code", VolumeType.MANAGED)
        client.files.upload(WHEEL, BytesIO(tiny_wheel()))
    return WHEEL


@pytest.fixture
def body(tiny: str) -> Callable[..., dict]:
    """Bodies of runs/submit: `body("show", "--x=1", idempotency_token=…)`."""

    def make(entry_point: str, *parameters: str, task: dict | None = None, **more: object) -> dict:
        wheel = {"package_name": "tiny", "entry_point": entry_point, "parameters": list(parameters)}
        spec = {"environment_version": "2", "dependencies": [tiny]}
        return {
            "run_name": entry_point,
            "tasks": [
                {
                    "task_key": entry_point,
                    "environment_key": "e",
                    "disable_auto_optimization": True,
                    "python_wheel_task": wheel,
                    **(task or {}),
                }
            ],
            "environments": [{"environment_key": "e", "spec": spec}],
            **more,
        }

    return make


@pytest.fixture
def submit(client, body) -> Callable[..., int]:
    """Submits a run as it stands; gives its id."""

    def do(*arguments: str, **more: object) -> int:
        return client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body=body(*arguments, **more))[
            "run_id"
        ]

    return do
