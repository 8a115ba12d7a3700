"""What the workspace refuses, each with the code that clients act on."""

import copy

import pytest
from databricks.sdk.errors import DatabricksError

NEW_CLUSTER = {
    "spark_version": "17.3.x-scala2.13",
    "node_type_id": "m5d.large",
    "num_workers": 1,
    "data_security_mode": "SINGLE_USER",
}


def task(**change):
    """Change the one task; None takes a field away."""

    def apply(body):
        body["tasks"][0].update(change)
        body["tasks"][0] = {key: value for key, value in body["tasks"][0].items() if value is not None}

    return apply


def whole(**change):
    return lambda body: body.update(change)


def wheel(**change):
    return lambda body: body["tasks"][0]["python_wheel_task"].update(change)


def twice(body):
    body["tasks"].append(copy.deepcopy(body["tasks"][0]))


def circle(body):
    twice(body)
    body["tasks"][1]["task_key"] = "other"
    for one, other in ((0, 1), (1, 0)):
        body["tasks"][one]["depends_on"] = [{"task_key": body["tasks"][other]["task_key"]}]


REFUSED = [
    (whole(nonsense=1), "MALFORMED", "Unknown field 'nonsense'"),
    (task(nonsense=1), "MALFORMED", r"Unknown field 'tasks\[0\].nonsense'"),
    (task(job_cluster_key="main"), "MALFORMED", "job_cluster_key"),
    (whole(tasks="all"), "MALFORMED", "tasks"),
    (whole(timeout_seconds="long"), "MALFORMED", "timeout_seconds"),
    (whole(tasks=[]), "INVALID", "at least one task"),
    (task(task_key=None), "INVALID", "Missing required field: .*task_key"),
    (wheel(entry_point=""), "INVALID", "Missing required field: .*entry_point"),
    (twice, "INVALID", "Duplicate task key found: 'show'"),
    (circle, "INVALID", "cycle"),
    (task(depends_on=[{"task_key": "nobody"}]), "INVALID", "unknown task 'nobody'"),
    (whole(idempotency_token="x" * 65), "INVALID", "64 characters"),
    (task(environment_key="other"), "INVALID", "'other' is not in environments"),
    (whole(environments=[]), "INVALID", "is not in environments"),
    (whole(environments=[{"environment_key": "e", "spec": {}}]), "INVALID", "environment_version"),
    (
        whole(environments=[{"environment_key": "e", "spec": {"environment_version": "99"}}]),
        "INVALID",
        "unknown environment_version '99'",
    ),
    (task(disable_auto_optimization=None), "INVALID", "disable_auto_optimization"),
    (task(environment_key=None), "INVALID", "An environment is required for serverless task show"),
    (task(existing_cluster_id="0101-000000-running"), "INVALID", "only one of"),
    (task(environment_key=None, existing_cluster_id="nobody"), "INVALID", "Cluster nobody does not exist"),
    (
        task(libraries=[{"whl": "/Volumes/main/tiny/code/x.whl"}]),
        "INVALID",
        "Libraries field is not supported",
    ),
    (wheel(parameters=["a"], named_parameters={"a": "b"}), "INVALID", "only one of parameters and named"),
    (task(python_wheel_task=None), "INVALID", "exactly one type of task"),
    (
        task(environment_key=None, new_cluster={**NEW_CLUSTER, "spark_version": "1"}),
        "INVALID",
        "spark version",
    ),
    (task(environment_key=None, new_cluster={**NEW_CLUSTER, "node_type_id": "x"}), "INVALID", "Node type x"),
    (
        task(environment_key=None, new_cluster={**NEW_CLUSTER, "data_security_mode": "NONE"}),
        "INVALID",
        "has no Unity Catalog",
    ),
]


@pytest.mark.parametrize(("change", "code", "words"), REFUSED, ids=[words for _, _, words in REFUSED])
def test_a_run_that_cannot_be_is_refused_and_not_made(client, body, standin, change, code, words):
    before = len(standin.runs())
    wrong = body("show")
    change(wrong)
    with pytest.raises(DatabricksError, match=words) as refusal:
        client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body=wrong)
    assert (
        refusal.value.error_code
        == {"MALFORMED": "MALFORMED_REQUEST", "INVALID": "INVALID_PARAMETER_VALUE"}[code]
    )
    assert standin.requests("/runs/submit")[-1]["status"] == 400
    assert len(standin.runs()) == before


def test_numbers_may_come_as_text_as_the_operators_send_them(client, body, standin):
    run = client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body=body("show", timeout_seconds="600"))
    client.jobs.cancel_run(run["run_id"])


@pytest.mark.parametrize("call", ["get", "get-output"])
def test_an_unknown_run_is_an_invalid_parameter(client, call):
    with pytest.raises(DatabricksError, match="Run 1 does not exist") as refusal:
        client.api_client.do("GET", f"/api/2.2/jobs/runs/{call}", query={"run_id": 1})
    assert refusal.value.error_code == "INVALID_PARAMETER_VALUE"


def test_an_unknown_endpoint_is_not_found(client):
    with pytest.raises(DatabricksError, match=r"No API found for 'GET /api/2.0/nonsense'"):
        client.api_client.do("GET", "/api/2.0/nonsense")
