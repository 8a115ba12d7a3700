"""Runs: what is executed, how it ends, what the API reports of it."""

import json
import os
from io import BytesIO

import pytest
from databricks.sdk.errors import DatabricksError

from tests.support.standin.tiny_wheel import tiny_wheel


def output(client, run):
    return client.jobs.get_run_output(run["attempts"][-1]["run_id"])


def test_a_wheel_runs_in_a_clean_environment(client, submit, standin, monkeypatch):
    monkeypatch.setenv("CANARY", "secret")
    run = standin.wait(submit("show", "--home=/Volumes/main/tiny/code", "/Volumes/a", "--x=1"))
    assert run["state"] == {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS", "message": ""}
    answer = output(client, run)
    shown = json.loads(answer.logs.splitlines()[0])
    assert shown["argv"][1:] == [f"--home={standin.volumes}/main/tiny/code", f"{standin.volumes}/a", "--x=1"]
    assert shown["cwd"] == []
    assert shown["installed"] == {"pyspark": True, "jobs": False}
    assert set(shown["environ"]) <= {
        *("PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "DATABRICKS_RUNTIME_VERSION", "SPARK_REMOTE"),
    }
    assert shown["environ"]["DATABRICKS_RUNTIME_VERSION"] == "client.2.9"
    assert "to stderr" in answer.logs
    assert answer.error is None


def test_an_existing_cluster_runs_it_as_well(client, submit, standin, tiny):
    on_cluster = {
        "environment_key": None,
        "existing_cluster_id": "0101-000000-running",
        "libraries": [{"whl": tiny}],
    }
    run = standin.wait(submit("show", task=on_cluster))
    assert run["state"]["result_state"] == "SUCCESS"
    shown = json.loads(output(client, run).logs.splitlines()[0])
    assert shown["environ"]["DATABRICKS_RUNTIME_VERSION"] == "15.4"


def test_a_new_cluster_brings_its_variables_and_named_parameters_become_options(client, body, standin, tiny):
    cluster = {
        "spark_version": "15.4.x-scala2.12",
        "node_type_id": "m5d.large",
        "num_workers": "2",
        "data_security_mode": "SINGLE_USER",
        "spark_env_vars": {"LAKE": "here"},
    }
    wrapped = body(
        "show", task={"environment_key": None, "new_cluster": cluster, "libraries": [{"whl": tiny}]}
    )
    wrapped["tasks"][0]["python_wheel_task"] |= {
        "parameters": None,
        "named_parameters": {"night": "2024-03-05"},
    }
    run = standin.wait(client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body=wrapped)["run_id"])
    shown = json.loads(output(client, run).logs.splitlines()[0])
    assert shown["environ"]["LAKE"] == "here"
    assert shown["argv"][1:] == ["--night=2024-03-05"]


@pytest.mark.parametrize(
    ("entry_point", "error"),
    [
        ("fail", "ValueError: as asked"),
        ("leave", "SystemExit: 3"),
        ("nobody", "RuntimeError: Could not find entry"),
    ],
)
def test_an_exception_is_a_failed_run_with_its_text(hook, submit, standin, entry_point, error):
    run = standin.wait(submit(entry_point, "3"))
    state = hook.get_run_state(run["run_id"])
    assert (state.life_cycle_state, state.result_state) == ("TERMINATED", "FAILED")
    assert (
        state.state_message
        == f"Task {entry_point} failed with message: Workload failed, see run output for details."
    )
    answer = hook.get_run_output(run["attempts"][0]["run_id"])
    assert answer["error"].startswith(error)
    assert "Traceback" in answer["error_trace"]


def test_leaving_with_code_0_is_a_success(submit, standin):
    assert standin.wait(submit("leave", "0"))["state"]["result_state"] == "SUCCESS"


def test_a_wheel_that_was_never_uploaded_fails_the_run(submit, standin):
    missing = {
        "environment_version": "2",
        "dependencies": ["/Volumes/main/tiny/code/other-1.0-py3-none-any.whl"],
    }
    run = standin.wait(submit("show", environments=[{"environment_key": "e", "spec": missing}]))
    assert run["state"]["life_cycle_state"] == "INTERNAL_ERROR"
    assert "Library installation failed: no such file" in run["state"]["message"]


def test_a_wheel_for_another_python_than_the_runtimes_fails_the_run(submit, standin, tiny):
    newer = {"environment_version": "4", "dependencies": [tiny]}
    run = standin.wait(submit("show", environments=[{"environment_key": "e", "spec": newer}]))
    assert "requires a different Python: 3.12.3 not in '==3.11.*'" in run["state"]["message"]


def test_a_new_wheel_of_the_same_name_is_what_runs_next(client, standin, body):
    path = "/Volumes/main/tiny/code/other-1.0-py3-none-any.whl"
    spec = {"environment_version": "2", "dependencies": [path]}
    seen = []
    for constraint in ("==3.11.*", ">=3.11"):
        client.files.upload(
            path, BytesIO(tiny_wheel(name="other", requires_python=constraint)), overwrite=True
        )
        wrapped = body("show", environments=[{"environment_key": "e", "spec": spec}])
        wrapped["tasks"][0]["python_wheel_task"]["package_name"] = "other"
        run = standin.wait(client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body=wrapped)["run_id"])
        # The entry points name the module `tiny`, which is not in this wheel.
        seen.append(run["attempts"][0]["error"])
    assert seen == ["ModuleNotFoundError: No module named 'tiny'"] * 2
    client.files.delete(path)


def test_one_token_is_one_run_also_after_its_end_and_gone_when_deleted(client, submit, standin):
    run_id = submit("fail", idempotency_token="night-1")
    assert submit("fail", idempotency_token="night-1") == run_id
    assert standin.wait(run_id)["state"]["result_state"] == "FAILED"
    assert submit("fail", idempotency_token="night-1") == run_id
    assert submit("fail", idempotency_token="night-2") != run_id
    client.jobs.delete_run(run_id)
    with pytest.raises(DatabricksError, match="was deleted"):
        submit("fail", idempotency_token="night-1")


def test_cancelling_kills_the_process(hook, submit, standin):
    run_id = submit("wait", "60")
    run = standin.wait(run_id, lambda run: run["attempts"][0]["pid"])
    with pytest.raises(Exception, match="INVALID_STATE"):
        hook.delete_run(run_id)
    hook.cancel_run(run_id)
    ended = standin.wait(run_id)
    assert ended["state"]["result_state"] == "CANCELED"
    assert hook.get_run_state(run_id).state_message == "Run cancelled."
    with pytest.raises(ProcessLookupError):
        os.kill(run["attempts"][0]["pid"], 0)
    hook.cancel_run(run_id)
    assert hook.get_run_state(run_id).result_state == "CANCELED"


@pytest.mark.parametrize("limit", [{"timeout_seconds": 3}, {"task": {"timeout_seconds": 1}}])
def test_a_run_that_takes_too_long_is_timed_out(submit, standin, limit):
    assert standin.wait(submit("wait", "60", **limit))["state"]["result_state"] == "TIMEDOUT"


def test_a_task_is_tried_again_as_often_as_it_says(client, submit, standin):
    run = standin.wait(submit("fail", task={"max_retries": 1}))
    assert [attempt["number"] for attempt in run["attempts"]] == [0, 1]
    assert len({attempt["run_id"] for attempt in run["attempts"]}) == 2


def test_tasks_wait_for_each_other_and_do_not_run_after_a_failure(client, body, standin):
    wrapped = body("fail")
    second = {**body("show")["tasks"][0], "depends_on": [{"task_key": "fail"}]}
    run_id = client.api_client.do(
        "POST", "/api/2.2/jobs/runs/submit", body={**wrapped, "tasks": [second, *wrapped["tasks"]]}
    )["run_id"]
    run = standin.wait(run_id)
    assert {attempt["task_key"]: attempt["result_state"] for attempt in run["attempts"]} == {
        "fail": "FAILED",
        "show": "UPSTREAM_FAILED",
    }
    assert run["state"]["message"].endswith("This caused all downstream tasks to get skipped.")


def test_more_than_a_hundred_tasks_come_in_pages(client, hook, body, standin):
    standin.faults({"run": "fail"})
    wrapped = body("show")
    wrapped["tasks"] = [{**wrapped["tasks"][0], "task_key": f"t{index}"} for index in range(130)]
    run_id = client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body=wrapped)["run_id"]
    standin.wait(run_id)
    assert (
        len(client.api_client.do("GET", "/api/2.2/jobs/runs/get", query={"run_id": run_id})["tasks"]) == 100
    )
    assert len({task["task_key"] for task in hook.get_run(run_id)["tasks"]}) == 130
    assert len(client.jobs.get_run(run_id).tasks) == 130
    with pytest.raises(DatabricksError, match="output of each individual task run"):
        client.jobs.get_run_output(run_id)


def test_the_list_of_runs_comes_in_pages_the_latest_first(client, submit, standin):
    standin.faults({"run": "fail"})
    ids = [submit("show", run_name=f"listed {index}") for index in range(5)]
    for run_id in ids:
        standin.wait(run_id)
    listed = [run.run_id for run in client.jobs.list_runs(limit=2)]
    assert listed[:5] == ids[::-1]
    assert len(listed) == len(set(listed)) == len(standin.runs())
    assert not list(client.jobs.list_runs(active_only=True))


def test_a_job_has_three_level_names_and_auto_loader(client, submit, standin, standin_spark):
    home = "/Volumes/main/tiny/code/lake"
    client.files.upload(f"{home}/landing/arrived=01/a.json", BytesIO(b"one\ntwo\n"))
    run = standin.wait(submit("tables", f"--home={home}"), seconds=600)
    answer = output(client, run)
    assert run["state"]["result_state"] == "SUCCESS", answer.error_trace
    found = json.loads(answer.logs.splitlines()[-1])
    assert found["rows"] == [[1, "a"], [2, "c"], [3, "d"]]
    assert found["before"] == 2
    assert found["lines"] == [
        ["one", "arrived=01/a.json"],
        ["three", "arrived=02/b.json"],
        ["two", "arrived=01/a.json"],
    ]
    assert "cloudFiles.format=text" in found["refusals"][0]
    assert "unknown option key: cloudfiles.nonsense" in found["refusals"][1].lower()
