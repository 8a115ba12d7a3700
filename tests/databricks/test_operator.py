"""The DAG's operator against the stand-in: however attempts end, one run works on the tables at a time.

What Airflow itself does between attempts is in tests/end_to_end/test_faults_on_the_way.py; here it is a task state
store that outlives the attempt, and `max_tries`, which a clear raises.
"""

import json
from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from tenacity import stop_after_attempt

from tests.support.standin.tiny_wheel import tiny_wheel

HOME = "/Volumes/main/tiny/code/lake"
NEW_CLUSTER = {
    "spark_version": "17.3.x-scala2.13",
    "node_type_id": "m6gd.large",
    "num_workers": 2,
    "data_security_mode": "SINGLE_USER",
    "spark_conf": {"fs.key": "{{secrets/lake/key}}"},
    "aws_attributes": {"availability": "SPOT_WITH_FALLBACK"},
}


class Store(dict):
    """A task's state store: JSON, and it does not end with the attempt."""

    def set(self, key, value):
        self[key] = json.loads(json.dumps(value))

    def delete(self, key):
        self.pop(key, None)


@pytest.fixture
def wheel(client, tiny):
    """Path of a deployed wheel with the jobs' name and entry point."""
    path = f"{HOME}/wheels/iot_lakehouse-1.0-py3-none-any.whl"
    client.files.create_directory(f"{HOME}/wheels")
    content = tiny_wheel(name="iot_lakehouse", requires_python=">=3.11")
    client.files.upload(path, BytesIO(content), overwrite=True)
    client.files.upload(
        f"{HOME}/wheels/latest.txt", BytesIO(b"iot_lakehouse-1.0-py3-none-any.whl\n"), overwrite=True
    )
    return path


@pytest.fixture
def attempt(wheel, standin, monkeypatch, tmp_path):
    """Makes attempts of one task: `attempt(store).execute()`; `.runs()` are the task's remote runs."""
    from job import Job
    from platforms import databricks
    from targets import Databricks, Serverless, Target

    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path))
    stage = f"stage{len(standin.runs())}"
    job = Job(stage, (stage, f"--home={HOME}", "--run-id=night"))

    class Attempt:
        def __init__(self, store, max_tries=2, **compute):
            how = Databricks("databricks_default", **(compute or {"serverless": Serverless("4")}))
            self.operator = databricks.operator(job, Target("databricks", "main", "", HOME, how))
            self.operator.polling_period_seconds = 0.2
            ti = SimpleNamespace(max_tries=max_tries, xcom_push=lambda **_: None)
            self.context = {"ti": ti, "run_id": "night", "task_state_store": store}

        def execute(self):
            self.operator.execute(self.context)

        @staticmethod
        def runs():
            return [run for run in standin.runs() if run["attempts"][0]["task_key"] == stage]

        @staticmethod
        def results():
            return [run["state"]["result_state"] for run in Attempt.runs()]

        @staticmethod
        def hold():
            """The next run stays RUNNING until it is canceled."""
            standin.faults({"run": "hold", "task_key": stage, "times": 1})

    return Attempt


def lose_sight(standin):
    """What polling makes of a workspace that is out of order for long."""
    standin.faults({"path": "*/runs/get", "status": 400, "times": 1})


def test_a_task_cleared_while_its_run_goes_on_ends_that_run_before_it_starts_another(attempt, standin):
    store = Store()
    attempt.hold()
    lose_sight(standin)
    with pytest.raises(AirflowException):
        attempt(store).execute()
    (left,) = attempt.runs()
    standin.wait(left["run_id"], lambda run: run["state"]["life_cycle_state"] == "RUNNING")
    attempt(store, max_tries=5).execute()
    assert attempt.results() == ["CANCELED", "SUCCESS"]
    left, last = attempt.runs()
    assert left["end_time"] <= last["start_time"]


def test_a_retry_waits_on_for_the_run_that_goes_on(attempt, standin):
    store = Store()
    lose_sight(standin)
    with pytest.raises(AirflowException):
        attempt(store).execute()
    attempt(store).execute()
    assert attempt.results() == ["SUCCESS"]


def test_a_retry_after_a_failed_run_and_a_clear_after_a_success_are_runs_of_their_own(attempt, standin):
    store = Store()
    standin.faults({"run": "fail", "times": 1})
    with pytest.raises(AirflowException):
        attempt(store).execute()
    attempt(store).execute()
    # The same life of the task: for example its pages could not be fetched.
    attempt(store).execute()
    assert attempt.results() == ["FAILED", "SUCCESS"]
    attempt(store, max_tries=5).execute()
    assert attempt.results() == ["FAILED", "SUCCESS", "SUCCESS"]
    assert len({run["token"] for run in attempt.runs()}) == 3


def test_two_airflows_on_one_workspace_do_not_take_each_others_runs(attempt):
    attempt(Store()).execute()
    attempt(Store()).execute()
    assert attempt.results() == ["SUCCESS", "SUCCESS"]


def lose_the_answer(attempt, standin, store):
    """The run is made, and the worker never hears of it."""
    standin.faults({"method": "POST", "path": "*/runs/submit", "cut": True, "when": "after", "times": 1})
    lost = attempt(store)
    lost.operator.databricks_retry_args = {"stop": stop_after_attempt(1)}
    with pytest.raises(AirflowException):
        lost.execute()
    return lost


def test_a_run_whose_answer_was_lost_is_found_by_the_retry(attempt, standin):
    store = Store()
    lose_the_answer(attempt, standin, store)
    attempt(store).execute()
    assert attempt.results() == ["SUCCESS"]


def test_a_run_whose_answer_was_lost_is_ended_by_a_clear(attempt, standin):
    store = Store()
    attempt.hold()
    lose_the_answer(attempt, standin, store)
    (left,) = attempt.runs()
    standin.wait(left["run_id"], lambda run: run["state"]["life_cycle_state"] == "RUNNING")
    attempt(store, max_tries=5).execute()
    assert attempt.results() == ["CANCELED", "SUCCESS"]


def test_a_submission_that_was_refused_is_not_made_again_when_its_task_is_cleared(attempt):
    store = Store()
    with pytest.raises(AirflowException, match="Cluster nobody does not exist"):
        attempt(store, existing_cluster_id="nobody").execute()
    attempt(store, max_tries=5, existing_cluster_id="0101-000000-current").execute()
    assert attempt.results() == ["SUCCESS"]


def test_a_task_killed_while_it_submits_cancels_the_run(attempt, standin):
    attempt.hold()
    lost = lose_the_answer(attempt, standin, Store())
    assert lost.operator.run_id is None
    lost.operator.on_kill()
    (run,) = attempt.runs()
    assert standin.wait(run["run_id"])["state"]["result_state"] == "CANCELED"


def test_a_run_that_databricks_has_forgotten_is_submitted_anew(attempt, client):
    store = Store()
    attempt(store).execute()
    (run,) = attempt.runs()
    client.jobs.delete_run(run["run_id"])
    attempt(store).execute()
    assert attempt.results() == ["SUCCESS"]
    assert attempt.runs()[0]["run_id"] != run["run_id"]


def test_the_wheel_that_was_deployed_last_is_what_is_submitted(attempt, client, standin, wheel):
    attempt(Store()).execute()
    newer = wheel.replace("-1.0-", "-1.0+5f2a91c3-")
    client.files.upload(
        newer, BytesIO(tiny_wheel(name="iot_lakehouse", requires_python=">=3.11")), overwrite=True
    )
    client.files.upload(
        f"{HOME}/wheels/latest.txt", BytesIO(newer.rpartition("/")[2].encode()), overwrite=True
    )
    attempt(Store()).execute()
    bodies = [request["body"] for request in standin.requests("/runs/submit")][-2:]
    assert [body["environments"][0]["spec"]["dependencies"] for body in bodies] == [[wheel], [newer]]


def test_without_a_wheel_the_task_says_what_to_do_and_does_not_try_again(attempt, client):
    client.files.delete(f"{HOME}/wheels/latest.txt")
    with pytest.raises(AirflowFailException, match=r"no wheel has been deployed to .*; run `make deploy`"):
        attempt(Store()).execute()
    assert attempt.runs() == []


def test_a_slip_within_a_new_cluster_is_refused_before_anything_is_submitted(attempt):
    cluster = {**NEW_CLUSTER, "aws_attributes": {"availabilty": "SPOT"}}
    with pytest.raises(
        AirflowFailException, match=r"targets.toml: new_cluster: .* aws_attributes.availabilty"
    ):
        attempt(Store(), new_cluster=cluster).execute()
    assert attempt.runs() == []


@pytest.mark.parametrize(
    "compute",
    [{"existing_cluster_id": "0101-000000-current"}, {"new_cluster": NEW_CLUSTER}],
    ids=["existing", "new"],
)
def test_a_cluster_gets_the_wheel_as_a_library(attempt, standin, wheel, compute):
    attempt(Store(), **compute).execute()
    assert attempt.results() == ["SUCCESS"]
    (task,) = standin.requests("/runs/submit")[-1]["body"]["tasks"]
    assert task["libraries"] == [{"whl": wheel}]
    if "new_cluster" in compute:
        assert task["new_cluster"]["spark_conf"] == {"fs.key": "{{secrets/lake/key}}"}


def test_stages_of_the_jobs_run_on_an_existing_cluster_and_on_a_new_one(
    client, standin, standin_spark, workspace, monkeypatch, tmp_path
):
    from job import Job
    from platforms import databricks
    from targets import Databricks, load_target

    for name, value in standin.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path))
    assert workspace("deploy", "--target", "dev").status == 0
    dev = load_target("dev")
    landing = standin.volumes / "main/iot_dev_ops/lake/landing/sensor_logs"
    clusters = {
        "existing": {"existing_cluster_id": "0101-000000-current"},
        "new": {"new_cluster": NEW_CLUSTER},
    }
    rows = []
    for sensor, (run, how) in enumerate(clusters.items()):
        landing.mkdir(parents=True, exist_ok=True)
        (landing / f"{run}.csv").write_text(
            "sensor_id,timestamp,temperature,humidity,location\n"
            f"{sensor},2024-03-05 0{sensor}:00:00,20.5,40.0,A0{sensor}\n"
        )
        where = (f"--home={dev.home}", f"--catalog={dev.catalog}", f"--prefix={dev.prefix}")
        argv = ("bronze", "--night=2024-03-05", f"--run-id={run}", *where, "--tables=sensor_logs")
        target = replace(dev, databricks=Databricks("databricks_default", **how))
        operator = databricks.operator(Job("bronze", argv), target)
        ti = SimpleNamespace(max_tries=2, xcom_push=lambda **_: None)
        operator.execute({"ti": ti, "run_id": run, "task_state_store": Store()})
        run_result = json.loads((tmp_path / f"data-docs/runs/{run}/bronze.json").read_text())
        assert run_result["exit"] == 0
        rows.append({table["table"]: table["rows"] for table in run_result["tables"]}["bronze.sensor_logs"])
    assert rows == [1, 1]
