"""What no service of docker-compose.yml may do, whoever edits it."""

import re
from typing import Any

import pytest

from tests.unit.containers.conftest import resolved

ONE_OFF = {"secrets-init", "airflow-init"}
SERVICES = {
    "postgres",
    "spark",
    "airflow-apiserver",
    "airflow-scheduler",
    "airflow-dag-processor",
    "airflow-triggerer",
    "airflow-cleanup",
    *ONE_OFF,
}
# Who may see which secrets.
READERS = {
    "secrets-database": SERVICES - {"spark"},
    "secrets-api": {"secrets-init", "airflow-apiserver", "airflow-scheduler"},
    "secrets-spark": {"secrets-init", "spark", "airflow-scheduler"},
    "secrets-login": {"secrets-init", "airflow-apiserver"},
}
CODE = ("catalog", "dags", "plugins", "jobs", "expectations", "queries", "serving")
SECRET_NAME = re.compile("PASSWORD|SECRET|TOKEN|KEY|CONN|CREDENTIAL")

Compose = dict[str, Any]


@pytest.fixture(params=sorted(SERVICES))
def service(request: pytest.FixtureRequest, compose: Compose) -> Compose:
    resolved: Compose = compose["services"][request.param]
    return resolved


def test_the_services_are_the_known_ones(compose: Compose) -> None:
    assert set(compose["services"]) == SERVICES


def test_only_the_ui_is_published_and_only_to_this_machine(compose: Compose) -> None:
    published = [
        (name, port["host_ip"], port["target"])
        for name, service in compose["services"].items()
        for port in service.get("ports", [])
    ]
    assert published == [("airflow-apiserver", "127.0.0.1", 8080)]


def test_a_service_runs_without_root_and_without_capabilities(service: Compose) -> None:
    assert service["user"].split(":")[0] not in {"", "0", "root"}
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"cap_add", "privileged", "devices", "pid", "ipc", "userns_mode"} & service.keys()
    assert service.get("network_mode", "none") == "none"


def test_a_service_cannot_change_its_image(service: Compose) -> None:
    assert service["read_only"] is True


def test_a_service_has_limits(service: Compose) -> None:
    assert int(service["mem_limit"]) > 0
    assert int(service["pids_limit"]) > 0
    assert service["logging"]["options"]["max-size"]


def test_a_folder_of_this_machine_is_mounted_read_only(service: Compose) -> None:
    bound = [volume for volume in service.get("volumes", []) if volume["type"] == "bind"]
    assert all(volume["read_only"] for volume in bound)
    assert {volume["target"] for volume in bound} <= {f"/opt/lakehouse/{folder}" for folder in CODE}


def test_a_service_that_keeps_running_says_whether_it_is_well(compose: Compose) -> None:
    for name in SERVICES - ONE_OFF:
        assert compose["services"][name]["healthcheck"]["test"], name
        assert compose["services"][name]["restart"] == "unless-stopped", name


def test_no_secret_has_a_value_here(service: Compose) -> None:
    for name, value in (service.get("environment") or {}).items():
        if value is None:
            continue  # whatever the caller's environment has, and not set where it has nothing
        if SECRET_NAME.search(name):
            assert name.endswith(("_CMD", "_FILE", "_BACKEND", "_BACKEND_KWARGS")), name
        assert value != "trust", f"{name} lets everybody in"
        assert "://" not in value or value.startswith(("http://localhost:", "http://airflow-apiserver:")), (
            name
        )


@pytest.mark.parametrize("volume", READERS)
def test_a_secret_is_mounted_only_where_it_is_needed(volume: str, compose: Compose) -> None:
    readers = {
        name
        for name, service in compose["services"].items()
        if any(mount.get("source") == volume for mount in service.get("volumes", []))
    }
    assert readers == READERS[volume]


def test_secrets_are_read_only_outside_the_service_that_makes_them(compose: Compose) -> None:
    writers = {
        (name, mount["source"])
        for name, service in compose["services"].items()
        for mount in service.get("volumes", [])
        if mount.get("source", "").startswith("secrets-")
        and not mount.get("read_only")
        and name != "secrets-init"
    }
    # Airflow's simple auth manager opens its list of passwords for writing.
    assert writers == {("airflow-apiserver", "secrets-login")}


def test_spark_takes_one_task_at_a_time(compose: Compose) -> None:
    (made,) = re.findall(r"airflow pools set spark (\d+)", str(compose["services"]))
    assert made == "1"


def test_the_database_and_spark_have_no_way_out(compose: Compose) -> None:
    assert compose["networks"]["private"]["internal"] is True
    for name in ("postgres", "spark", "airflow-init", "airflow-cleanup"):
        assert set(compose["services"][name]["networks"]) == {"private"}, name


def test_the_lake_is_at_one_path_and_the_ui_only_reads_it(compose: Compose) -> None:
    lakes = {
        name: mount
        for name, service in compose["services"].items()
        for mount in service.get("volumes", [])
        if mount.get("source") == "lake"
    }
    assert {mount["target"] for mount in lakes.values()} == {"/opt/lakehouse/lake"}
    assert {name for name, mount in lakes.items() if not mount.get("read_only")} == {
        "spark",
        "airflow-scheduler",
        # Keeps of what it has notified.
        "airflow-dag-processor",
    }


@pytest.mark.parametrize(
    ("service", "connection"),
    # Callbacks of DAGs run in the DAG processor, those of tasks and of deadlines with the tasks.
    [
        ("airflow-dag-processor", "LAKEHOUSE_NOTIFY"),
        ("airflow-dag-processor", "LAKEHOUSE_MAIL"),
        ("airflow-scheduler", "LAKEHOUSE_NOTIFY"),
        ("airflow-scheduler", "LAKEHOUSE_MAIL"),
        ("airflow-scheduler", "LAKEHOUSE_ALERTS"),
    ],
)
def test_failures_and_alerts_can_be_reported_with_a_link_to_the_ui(
    compose: Compose, service: str, connection: str
) -> None:
    variables = compose["services"][service]["environment"]
    # Without a value: whatever the caller's environment has.
    assert variables[f"AIRFLOW_CONN_{connection}"] is None
    server = compose["services"]["airflow-apiserver"]["environment"]
    assert variables["AIRFLOW__API__BASE_URL"] == server["AIRFLOW__API__BASE_URL"] != ""
    assert "outside" in compose["services"][service]["networks"]


def test_what_is_simulated_is_what_the_caller_says_or_left_to_the_target(compose: Compose) -> None:
    for stack, said in ((compose, ""), (resolved(SIMULATE="none"), "none")):
        for name in ("airflow-scheduler", "airflow-dag-processor", "airflow-apiserver"):
            assert stack["services"][name]["environment"]["LAKEHOUSE_SIMULATE"] == said, name


def test_what_is_in_the_stack_is_reached_without_a_proxy_and_so_are_the_hosts_that_the_caller_names(
    compose: Compose,
) -> None:
    local = {"localhost", "127.0.0.1", "postgres", "spark", "airflow-apiserver"}
    for stack, hosts in ((compose, local), (resolved(no_proxy=".corp.example"), local | {".corp.example"})):
        for name in SERVICES - {"secrets-init"}:  # has no network at all
            variables = stack["services"][name]["environment"]
            assert set(variables["no_proxy"].split(",")) == hosts, name
            assert variables["NO_PROXY"] == variables["no_proxy"]


def test_all_writers_of_the_lake_are_the_same_user(compose: Compose) -> None:
    writers = ("spark", "airflow-scheduler", "airflow-dag-processor")
    assert {compose["services"][name]["user"] for name in writers} == {"50000:0"}


def test_examples_are_off_and_logins_are_needed(compose: Compose) -> None:
    environment = compose["services"]["airflow-apiserver"]["environment"]
    assert environment["AIRFLOW__CORE__LOAD_EXAMPLES"] == "false"
    assert "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS" not in environment
