"""Deploy and doctor against the stand-in for a workspace: real requests over TLS, through the connection's proxy."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from targets import Serverless

from tests.support.project import PROJECT, free_port
from tests.support.standin.in_process import serve_here
from tests.support.standin.start import Standin

VARIABLE = "AIRFLOW_CONN_DATABRICKS_DEFAULT"
CHECKS = ["connection", "host", "auth", "catalog", "schemas", "volume", "wheel", "compute", "pool"]
CLUSTERS = [
    {"cluster_id": "0924-153822-running1", "data_security_mode": "USER_ISOLATION"},
    {"cluster_id": "0924-153822-stopped1", "state": "TERMINATED"},
    {"cluster_id": "0924-153822-broken01", "state": "ERROR", "state_message": "no machines"},
    {"cluster_id": "0924-153822-foreign1", "single_user_name": "someone@example.com"},
    {"cluster_id": "0924-153822-legacy01", "data_security_mode": "NONE"},
    {"cluster_id": "0924-153822-ancient1", "spark_version": "15.4.x-scala2.12"},
]
GOVERNED = {"data_security_mode": "SINGLE_USER"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    """A workspace besides the one that all tests share: with other clusters, and emptied for each test."""
    clusters = [json.dumps(cluster) for cluster in CLUSTERS]
    with serve_here(tmp_path_factory.mktemp("databricks"), cluster=clusters) as standin:
        yield standin


@pytest.fixture
def databricks(running: Standin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standin]:
    """An empty workspace, and the connection to it in the environment."""
    for schema in (running.volumes / "main").iterdir():
        shutil.rmtree(schema)
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(VARIABLE, running.connection())
    yield running
    running.clear_faults()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where what was deployed first lies for the tests that come later."""
    return tmp_path_factory.mktemp("deployed") / "main"


@pytest.fixture
def deployed(databricks: Standin, workspace: Callable[..., Any], kept: Path) -> Standin:
    """A workspace with everything in it."""
    if kept.exists():
        shutil.copytree(kept, databricks.volumes / "main", dirs_exist_ok=True)
    else:
        assert workspace("deploy", "--target", "dev").status == 0
        shutil.copytree(databricks.volumes / "main", kept)
    return databricks


def verdicts(out: str) -> list[str]:
    """The first word of each line, held against the checks' names."""
    lines = [line.split(maxsplit=2) for line in out.splitlines()]
    assert [name for _, name, _ in lines] == CHECKS
    return [verdict for verdict, _, _ in lines]


def line_of(out: str, check: str) -> str:
    return out.splitlines()[CHECKS.index(check)]


def wheel_of(standin: Standin) -> Path:
    """The wheel that stages would run."""
    return wheel_folder(standin) / (wheel_folder(standin) / "latest.txt").read_text().strip()


def connected(standin: Standin, kind: str = "oauth", **values: str) -> str:
    return json.dumps(json.loads(standin.connection(kind)) | values)


@pytest.mark.parametrize("kind", ["oauth", "token"])
def test_a_deployed_workspace_is_well(
    databricks: Standin, workspace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv(VARIABLE, databricks.connection(kind))
    said = workspace("deploy", "--target", "dev")
    assert (said.status, said.err) == (0, "")
    assert said.out.count(": created") == 6
    assert all(": uploaded, " in line for line in said.out.splitlines()[-2:])
    assert {path.name for path in (databricks.volumes / "main").iterdir()} == {
        f"iot_dev_{layer}" for layer in ("bronze", "silver", "staging", "gold", "ops")
    }
    examined = workspace("doctor", "--target", "dev")
    assert (examined.status, examined.err) == (0, "")
    assert verdicts(examined.out) == ["ok"] * 9
    assert "built from these files" in line_of(examined.out, "wheel")
    assert "Not checked" in line_of(examined.out, "compute")
    secrets = (databricks.token, databricks.facts["client_secret"])
    assert not any(secret in said.out + examined.out for secret in secrets)
    assert {entry["auth"] for entry in databricks.requests("/api/2.0/preview/scim/v2/Me")} >= {
        "oauth" if kind == "oauth" else "pat"
    }


def test_the_wheel_arrives_as_it_was_built(deployed: Standin, tmp_path: Path) -> None:
    from workspace.wheel import build, read

    built = read(build(tmp_path))
    assert wheel_of(deployed).name == built.name
    assert wheel_of(deployed).read_bytes() == built.content


def test_other_code_gets_another_name_and_the_old_wheel_stays_for_stages_that_have_begun(
    deployed: Standin, workspace: Callable[..., Any], tmp_path: Path
) -> None:
    from workspace.wheel import build

    # As if built elsewhere, from other files.
    before, built = wheel_of(deployed), build(tmp_path)
    changed = built.rename(tmp_path / re.sub(r"\+[0-9a-f]{8}-", "+0000c0de-", built.name))
    assert workspace("deploy", "--target", "dev", "--wheel", str(changed)).status == 0
    assert wheel_of(deployed) != before
    assert {path.suffix for path in wheel_folder(deployed).iterdir()} == {".whl", ".txt"}
    assert len(list(wheel_folder(deployed).iterdir())) == 3
    said = workspace("doctor", "--target", "dev")
    assert f"WARNING: not built from these files, which make {before.name}" in line_of(said.out, "wheel")


def test_deploying_again_changes_nothing(deployed: Standin, workspace: Callable[..., Any]) -> None:
    before = len(deployed.requests())
    said = workspace("deploy", "--target", "dev")
    assert said.status == 0
    assert said.out.count(": is there") == 9
    methods = {entry["method"] for entry in deployed.requests()[before:] if "/oidc/" not in entry["path"]}
    assert methods == {"GET"}


def test_deploying_brings_back_what_is_missing_and_no_more(
    deployed: Standin, workspace: Callable[..., Any]
) -> None:
    shutil.rmtree(deployed.volumes / "main/iot_dev_gold")
    wheel_of(deployed).write_bytes(b"older")
    said = workspace("deploy", "--target", "dev")
    assert "main.iot_dev_gold: created" in said.out and ": replaced, " in said.out
    assert said.out.count(": is there") == 7
    assert wheel_of(deployed).read_bytes() != b"older"


def test_doctor_changes_nothing(deployed: Standin, workspace: Callable[..., Any]) -> None:
    before = sorted(deployed.volumes.rglob("*"))
    workspace("doctor", "--target", "dev")
    assert sorted(deployed.volumes.rglob("*")) == before
    assert deployed.runs() == []


def test_an_upload_that_arrives_damaged_leaves_no_wheel(
    deployed: Standin, workspace: Callable[..., Any]
) -> None:
    wheel_of(deployed).unlink()
    (wheel_folder(deployed) / "latest.txt").unlink()
    # The upload is answered as a success but had no effect.
    deployed.faults({"method": "PUT", "path": "*.whl", "status": 204})
    said = workspace("deploy", "--target", "dev")
    assert said.status == 1 and "did not arrive as it was sent" in said.err
    assert not list(wheel_folder(deployed).iterdir())


def test_a_deploy_that_another_one_overtakes_leaves_what_that_one_brought(
    deployed: Standin, workspace: Callable[..., Any]
) -> None:
    latest = wheel_folder(deployed) / "latest.txt"
    latest.write_text("other.whl\n")
    deployed.faults({"method": "PUT", "path": "*latest.txt", "status": 204})
    said = workspace("deploy", "--target", "dev")
    assert said.status == 1 and "another deploy may have been faster" in said.err
    assert latest.read_text() == "other.whl\n"


def wheel_folder(standin: Standin) -> Path:
    return standin.volumes / "main/iot_dev_ops/lake/wheels"


# One process for both commands: more than half of a command's time is Airflow's start.
BOTH = """
import logging, runpy, sys
for command in ("deploy", "doctor"):
    sys.argv[1:] = [command]
    try:
        runpy.run_module("workspace", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        print("exit", end.code, flush=True)
    logging.disable(logging.NOTSET)
"""


def by_itself(*command: str) -> tuple[str, str]:
    """What a Python of its own prints, whose Airflow is that of these tests."""
    done = subprocess.run(
        [sys.executable, *command],
        check=False,
        cwd=PROJECT,
        env=os.environ | {"TARGET": "dev"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.stdout, done.stderr


def test_the_command_by_itself_prints_its_lines_and_nothing_else(databricks: Standin) -> None:
    out, err = by_itself("-c", BOTH)
    assert err == ""
    deployment, examination, rest = out.split("exit 0\n")
    assert rest == ""
    assert deployment.count("\n") == 10 and deployment.startswith("Target dev: https://")
    assert verdicts(examination) == ["ok"] * 9


def test_the_command_runs_by_itself_and_prints_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "canary-6f1d0b"
    refused = {"conn_type": "databricks", "host": "https://127.0.0.1", "port": free_port(), "login": "id"}
    monkeypatch.setenv(VARIABLE, json.dumps(refused | {"password": secret}))
    out, err = by_itself("-c", BOTH)
    assert out.count("exit 1\n") == 2
    assert "cannot be reached" in err and "cannot be reached" in out
    assert secret not in out + err
    assert "Traceback" not in out + err


def test_a_connection_in_airflows_database_is_found(database: None) -> None:
    from airflow.models import Connection
    from airflow.utils.session import create_session

    kept = Connection(
        conn_id="databricks_default", conn_type="databricks", host="http://127.0.0.1", port=free_port()
    )
    kept.set_password("canary-6f1d0b")
    with create_session() as session:
        session.add(kept)
    try:
        out, err = by_itself("-m", "workspace", "doctor")
    finally:
        with create_session() as session:
            session.query(Connection).delete()
    assert "ok       connection  databricks_default" in out, err


# What can be wrong


def test_an_empty_workspace_lacks_its_schemas(databricks: Standin, workspace: Callable[..., Any]) -> None:
    said = workspace("doctor", "--target", "dev")
    assert said.status == 1
    assert verdicts(said.out) == ["ok", "ok", "ok", "ok", "FAILED", "skipped", "skipped", "ok", "ok"]
    assert "make deploy TARGET=dev" in line_of(said.out, "schemas")


def test_a_missing_volume_is_found(deployed: Standin, workspace: Callable[..., Any]) -> None:
    shutil.rmtree(deployed.volumes / "main/iot_dev_ops/lake")
    said = workspace("doctor", "--target", "dev")
    assert verdicts(said.out) == ["ok", "ok", "ok", "ok", "ok", "FAILED", "skipped", "ok", "ok"]
    assert "main.iot_dev_ops.lake is not there" in line_of(said.out, "volume")


def test_a_volume_that_takes_no_files_is_found(deployed: Standin, workspace: Callable[..., Any]) -> None:
    body = {"error_code": "PERMISSION_DENIED", "message": "no WRITE VOLUME"}
    deployed.faults({"method": "PUT", "path": "/api/2.0/fs/files/*", "status": 403, "body": body})
    said = workspace("doctor", "--target", "dev")
    assert verdicts(said.out) == ["ok", "ok", "ok", "ok", "ok", "FAILED", "skipped", "ok", "ok"]
    assert "GRANT READ VOLUME, WRITE VOLUME ON VOLUME" in line_of(said.out, "volume")


def test_a_missing_wheel_is_found(deployed: Standin, workspace: Callable[..., Any]) -> None:
    for missing, expected in (
        (wheel_of(deployed), f"{wheel_of(deployed).name} is not there"),
        (wheel_folder(deployed) / "latest.txt", "no wheel has been deployed to /Volumes/main/iot_dev_ops"),
    ):
        missing.unlink()
        said = workspace("doctor", "--target", "dev")
        assert said.status == 1
        assert verdicts(said.out) == ["ok", "ok", "ok", "ok", "ok", "ok", "FAILED", "ok", "ok"]
        assert expected in line_of(said.out, "wheel")


def test_a_wheel_of_other_files_is_a_warning(deployed: Standin, workspace: Callable[..., Any]) -> None:
    wheel_of(deployed).write_bytes(b"other")
    said = workspace("doctor", "--target", "dev")
    assert said.status == 0
    assert "WARNING: not built from these files" in line_of(said.out, "wheel")


def test_a_wrong_secret_is_named_and_not_shown(
    deployed: Standin, workspace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, connected(deployed, password="not-the-secret"))
    said = workspace("doctor", "--target", "dev")
    assert verdicts(said.out) == ["ok", "ok", "FAILED", *["skipped"] * 5, "ok"]
    assert "wrong credentials" in line_of(said.out, "auth") and "(HTTP 401)" in line_of(said.out, "auth")
    again = workspace("deploy", "--target", "dev")
    assert again.status == 1 and "wrong credentials" in again.err and again.err.count("\n") == 1
    assert "not-the-secret" not in said.out + again.err


def test_a_wrong_token_is_named_and_not_shown(
    deployed: Standin, workspace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, connected(deployed, "token", password="dapi-wrong"))
    said = workspace("doctor", "--target", "dev")
    assert verdicts(said.out) == ["ok", "ok", "FAILED", *["skipped"] * 5, "ok"]
    assert "wrong credentials" in line_of(said.out, "auth") and "dapi-wrong" not in said.out


def test_a_certificate_that_is_not_trusted_is_named(
    deployed: Standin, workspace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in deployed.environment:
        monkeypatch.delenv(name)
    said = workspace("doctor", "--target", "dev")
    assert verdicts(said.out) == ["ok", "FAILED", *["skipped"] * 6, "ok"]
    assert "REQUESTS_CA_BUNDLE" in line_of(said.out, "host")


def test_a_catalog_that_is_not_there_is_named(
    deployed: Standin, workspace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from targets import load_target

    from workspace import cli

    dev = load_target("dev")
    monkeypatch.setattr(cli, "load_target", lambda name: replace(dev, catalog="nowhere"))
    said = workspace("deploy", "--target", "dev")
    assert said.status == 1
    assert "catalog nowhere does not exist, or nightly@example.com may not use it" in said.err
    said = workspace("doctor", "--target", "dev")
    assert verdicts(said.out) == ["ok", "ok", "ok", "FAILED", "skipped", "skipped", "skipped", "ok", "ok"]


def test_a_grant_that_is_missing_is_spelt_out(databricks: Standin, workspace: Callable[..., Any]) -> None:
    body = {
        "error_code": "PERMISSION_DENIED",
        "message": "User does not have CREATE SCHEMA on Catalog 'main'.",
    }
    databricks.faults({"method": "POST", "path": "*/schemas", "status": 403, "body": body})
    said = workspace("deploy", "--target", "dev")
    assert said.status == 1 and said.err.count("\n") == 1
    assert "GRANT CREATE SCHEMA ON CATALOG `main` TO `nightly@example.com`" in said.err


def test_whoever_was_faster_is_no_error(databricks: Standin, workspace: Callable[..., Any]) -> None:
    # The first look sees nothing, though the schema is there.
    workspace("deploy", "--target", "dev")
    databricks.faults(
        {
            "method": "GET",
            "path": "*/schemas/main.iot_dev_gold",
            "status": 404,
            "body": {"error_code": "SCHEMA_DOES_NOT_EXIST", "message": "not yet"},
        }
    )
    said = workspace("deploy", "--target", "dev")
    assert said.status == 0 and "main.iot_dev_gold: is there" in said.out


def test_a_workspace_that_is_busy_is_asked_again(deployed: Standin, workspace: Callable[..., Any]) -> None:
    deployed.faults({"path": "*/catalogs/main", "status": 429, "retry_after": 1, "times": 2})
    before = len(deployed.requests("/catalogs/main"))
    assert workspace("doctor", "--target", "dev").status == 0
    assert len(deployed.requests("/catalogs/main")) - before == 3


# Compute


def compute(standin: Standin, **values: Any) -> str:
    """What doctor says of a target's compute; raises Failed."""
    from platforms.databricks_client import workspace_client
    from targets import Databricks

    from workspace.compute import check_compute

    logging.disable(logging.CRITICAL)
    client = workspace_client("databricks_default")
    databricks = Databricks("databricks_default", **values)
    try:
        return check_compute(client, databricks, client.current_user.me())
    finally:
        logging.disable(logging.NOTSET)


def allow(standin: Standin, level: str) -> None:
    """Let the workspace say that its user has this permission on every cluster."""
    entry = {"user_name": "nightly@example.com", "all_permissions": [{"permission_level": level}]}
    standin.faults(
        {"path": "/api/2.0/permissions/*", "status": 200, "body": {"access_control_list": [entry]}}
    )


def test_a_running_cluster_is_good(databricks: Standin) -> None:
    allow(databricks, "CAN_ATTACH_TO")
    said = compute(databricks, existing_cluster_id="0924-153822-running1")
    assert said == "cluster 0924-153822-running1 is RUNNING; nightly@example.com has CAN_ATTACH_TO"


def test_permissions_that_only_managers_may_read_are_not_claimed(databricks: Standin) -> None:
    said = compute(databricks, existing_cluster_id="0924-153822-running1")
    assert "not checked" in said


def test_a_stopped_cluster_needs_the_right_to_start_it(databricks: Standin) -> None:
    from workspace.client import Failed

    allow(databricks, "CAN_ATTACH_TO")
    with pytest.raises(Failed, match="give CAN RESTART"):
        compute(databricks, existing_cluster_id="0924-153822-stopped1")
    databricks.clear_faults()
    allow(databricks, "CAN_RESTART")
    assert "waits for its start" in compute(databricks, existing_cluster_id="0924-153822-stopped1")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"existing_cluster_id": "0924-153822-missing1"}, "does not exist"),
        ({"existing_cluster_id": "0924-153822-broken01"}, "is in state ERROR: no machines"),
        ({"existing_cluster_id": "0924-153822-foreign1"}, "is dedicated to someone@example.com"),
        ({"existing_cluster_id": "0924-153822-legacy01"}, "has no Unity Catalog"),
        ({"existing_cluster_id": "0924-153822-ancient1"}, "runtime 15.4.x-scala2.12 is too old for the jobs"),
        ({"serverless": Serverless("3")}, "environment_version 3 is too old for the jobs; give 4 or later"),
        ({"new_cluster": {**GOVERNED, "spark_version": "1.x"}}, "spark_version '1.x' is not offered here"),
        (
            {"new_cluster": {**GOVERNED, "spark_version": "16.4.x-scala2.13"}},
            "is too old for the jobs; give 17.3",
        ),
        (
            {"new_cluster": {**GOVERNED, "node_type_id": "abacus"}},
            "node_type_id 'abacus' is not offered here",
        ),
        ({"new_cluster": {"policy_id": "none"}}, "policy_id 'none' does not exist"),
        ({"new_cluster": {**GOVERNED, "instance_pool_id": "none"}}, "instance_pool_id 'none' does not exist"),
        ({"new_cluster": {"num_workers": 1}}, "without an access mode there is no Unity Catalog"),
        ({"new_cluster": {"data_security_mode": "NONE"}}, "without an access mode"),
        ({"new_cluster": {"aws_attributes": {"availabilty": "SPOT"}}}, "has no aws_attributes.availabilty"),
    ],
    ids=str,
)
def test_compute_that_cannot_be_used_is_named(
    databricks: Standin, values: dict[str, Any], expected: str
) -> None:
    from workspace.client import EXPECTED

    with pytest.raises(EXPECTED, match=expected):
        compute(databricks, **values)


def test_a_new_cluster_of_known_parts_is_good(databricks: Standin) -> None:
    cluster = {**GOVERNED, "spark_version": "17.3.x-scala2.13", "node_type_id": "m5d.large", "num_workers": 1}
    said = compute(databricks, new_cluster=cluster)
    assert said.startswith(
        "a new cluster a stage: spark_version 17.3.x-scala2.13, node_type_id m5d.large. Not checked"
    )
