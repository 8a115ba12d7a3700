"""What the Databricks operator is made of; that it works is shown in tests/databricks, on a server."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from airflow.sdk import DAG
from chain import night_jobs
from databricks.sdk.service.compute import ClusterSpec
from databricks.sdk.service.jobs import JobAccessControlRequest, JobsAPI, SubmitTask
from job import Job, Page
from platforms import databricks, operator_for
from platforms.databricks_client import ClusterProblem, require_known
from targets import CLUSTER_KEYS, Databricks, Serverless, Target, load_target
from tenacity import Future

WHEEL = "/Volumes/main/ops/lake/wheels/iot_lakehouse-0.1.0-py3-none-any.whl"
SERVERLESS = Databricks("databricks_default", serverless=Serverless("4"))
EXISTING = Databricks("databricks_default", existing_cluster_id="0924-153822-abcdefgh")
NEW = Databricks(
    "databricks_default",
    new_cluster={
        "spark_version": "17.3.x-scala2.13",
        "node_type_id": "m6gd.large",
        "num_workers": 2,
        "data_security_mode": "SINGLE_USER",
        "policy_id": "A1",
        "spark_conf": {"spark.sql.shuffle.partitions": "auto", "fs.key": "{{secrets/lake/key}}"},
        "custom_tags": {"team": "data"},
        "aws_attributes": {"availability": "SPOT_WITH_FALLBACK"},
        "init_scripts": [{"volumes": {"destination": "/Volumes/main/ops/lake/init.sh"}}],
    },
)
JOB = Job("gold", ("gold", "--night=2024-03-05", ""), page=Page("Page", "/x.html"))


def target(how: Databricks | None) -> Target:
    return Target("databricks", "main", "iot_", "/Volumes/main/ops/lake", how)


def submission(how: Databricks) -> dict[str, Any]:
    return databricks.on_compute(databricks.request(JOB), how, WHEEL)


@pytest.mark.parametrize("how", [SERVERLESS, EXISTING, NEW], ids=["serverless", "existing", "new cluster"])
def test_a_submission_has_no_field_that_the_api_does_not_know(how: Databricks) -> None:
    body = submission(how)
    assert [SubmitTask.from_dict(task).as_dict() for task in body["tasks"]] == body["tasks"]
    assert set(body) <= set(inspect.signature(JobsAPI.submit).parameters)


def test_serverless_names_an_environment_with_the_wheel() -> None:
    body = submission(SERVERLESS)
    (task,), (environment,) = body["tasks"], body["environments"]
    assert environment["environment_key"] == task["environment_key"]
    assert environment["spec"] == {"environment_version": "4", "dependencies": [WHEEL]}
    assert "libraries" not in task


def test_serverless_tries_no_task_again_by_itself() -> None:
    for job in (JOB, Job("check_silver", ("check", "--layer=silver"))):
        (task,) = databricks.on_compute(databricks.request(job), SERVERLESS, WHEEL)["tasks"]
        assert (task["disable_auto_optimization"], task["max_retries"]) == (True, 0)


@pytest.mark.parametrize(
    ("how", "key"), [(EXISTING, "existing_cluster_id"), (NEW, "new_cluster")], ids=["existing", "new cluster"]
)
def test_a_cluster_gets_the_wheel_as_a_library(how: Databricks, key: str) -> None:
    body = submission(how)
    (task,) = body["tasks"]
    assert task[key] == getattr(how, key)
    assert task["libraries"] == [{"whl": WHEEL}]
    assert "environments" not in body


def test_a_run_that_airflow_lost_sight_of_ends_an_hour_after_the_task_would_have() -> None:
    found = target(SERVERLESS)
    with DAG("d"):
        tasks = [
            databricks.operator(replace(JOB, stage=f"s{hours}", hours=hours), found) for hours in (2, 24)
        ]
    seconds = [task.execution_timeout.total_seconds() + 3600 for task in tasks]
    assert [task.json["timeout_seconds"] for task in tasks] == seconds


def test_every_stage_gets_the_argument_list_that_it_gets_locally_but_for_where() -> None:
    there = target(SERVERLESS)
    here = replace(there, platform="local", databricks=None)
    with DAG("d"):
        pairs = [
            (
                operator_for("databricks")(job, there),
                operator_for("local")(replace(job, stage=f"l_{job.stage}"), here),
            )
            for job in night_jobs(there)
        ]
    assert len(pairs) == 9
    for remote, local in pairs:
        assert remote.argv == local.argv


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_targets_that_come_with_the_project_make_operators(name: str) -> None:
    found = load_target(name)
    assert found.databricks is not None
    operator = databricks.operator(JOB, found)
    assert (operator.deferrable, operator.wait_for_termination) == (False, True)
    assert found.home == f"/Volumes/{found.catalog}/{found.prefix}ops/lake"


def test_no_secret_can_stand_in_a_target() -> None:
    names = {field.name for kind in (Target, Databricks, Serverless) for field in fields(kind)}
    assert not [name for name in names if "token" in name or "secret" in name or "password" in name]


def test_a_target_without_its_table_is_refused() -> None:
    with pytest.raises(ValueError, match=r"needs its table"):
        databricks.operator(JOB, target(None))


@pytest.mark.parametrize("home", ["lake", "/tmp/lake", "/Volumes/main/ops", "dbfs:/lake"])
def test_a_home_that_is_no_volume_is_refused(home: str) -> None:
    with pytest.raises(ValueError, match="home must be a volume"):
        databricks.operator(JOB, replace(target(SERVERLESS), home=home))


def test_cluster_keys_are_those_of_the_api() -> None:
    known = {field.name for field in fields(ClusterSpec)}
    assert known >= CLUSTER_KEYS


def test_the_task_opens_the_run_in_databricks_and_its_own_page() -> None:
    links = databricks.operator(JOB, target(SERVERLESS)).operator_extra_links
    assert [link.name for link in links] == ["See Databricks Job Run", "Page"]


def test_references_to_secrets_of_databricks_are_not_taken_for_templates() -> None:
    with DAG("d") as dag:
        operator = databricks.operator(replace(JOB, argv=("gold", "--run-id={{ run_id }}")), target(NEW))
    operator.render_template_fields({"dag": dag, "run_id": "r"})
    assert operator.argv == ["gold", "--run-id=r"]
    (task,) = databricks.on_compute(operator.json, operator.databricks, WHEEL)["tasks"]
    assert task["new_cluster"]["spark_conf"]["fs.key"] == "{{secrets/lake/key}}"


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({"aws_attributes": {"availabilty": "SPOT"}}, "has no aws_attributes.availabilty = 'SPOT'"),
        ({"aws_attributes": {"availability": "SPOTT"}}, "has no aws_attributes.availability = 'SPOTT'"),
        ({"init_scripts": [{"volume": {"destination": "/x"}}]}, r"has no init_scripts\[0\].volume"),
        ({"autoscale": {"min": 0}}, "has no autoscale.min = 0"),
        ({"autoscale": 3}, "must be a table"),
    ],
    ids=str,
)
def test_a_slip_within_a_new_cluster_is_named(cluster: dict[str, Any], message: str) -> None:
    with pytest.raises(ClusterProblem, match=message):
        require_known(cluster)


def test_what_a_new_cluster_may_say_passes() -> None:
    assert NEW.new_cluster
    require_known({**NEW.new_cluster, "num_workers": 0, "custom_tags": {}, "enable_elastic_disk": False})


def test_viewers_see_the_run_groups_by_name_and_users_by_address() -> None:
    body = submission(replace(SERVERLESS, viewers=("analysts", "a@example.com")))
    assert body["access_control_list"] == [
        {"group_name": "analysts", "permission_level": "CAN_VIEW"},
        {"user_name": "a@example.com", "permission_level": "CAN_VIEW"},
    ]
    known = [JobAccessControlRequest.from_dict(each).as_dict() for each in body["access_control_list"]]
    assert known == body["access_control_list"]
    assert "access_control_list" not in submission(SERVERLESS)


def retry_state(attempt: int, headers: dict[str, str]) -> Any:
    response = requests.Response()
    response.headers.update(headers)
    outcome = Future.construct(attempt, requests.HTTPError(response=response), has_exception=True)
    return SimpleNamespace(outcome=outcome, attempt_number=attempt)


def test_the_wait_is_as_long_as_the_server_asks_for() -> None:
    assert databricks.wait_as_asked(retry_state(1, {"Retry-After": "7"})) == 7


def test_the_wait_grows_when_the_server_says_nothing_and_never_beyond_a_minute() -> None:
    waits = [databricks.wait_as_asked(retry_state(attempt, {})) for attempt in range(1, 8)]
    assert waits == sorted(waits)
    assert waits[0] < waits[3]
    assert max(waits) <= 60
    assert databricks.wait_as_asked(retry_state(1, {"Retry-After": "86400"})) == 60
