"""What needs no workspace: usage, targets, connections and their one-line errors."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import PROJECT

VARIABLE = "AIRFLOW_CONN_DATABRICKS_DEFAULT"
SECRET = "canary-6f1d0b"
WHEEL = "iot_lakehouse-0.1.0+0000c0de-py3-none-any.whl"


def connection(**values: Any) -> str:
    return json.dumps({"conn_type": "databricks", "password": SECRET, **values})


def closed_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        ((), "the following arguments are required"),
        (("destroy",), "invalid choice: 'destroy'"),
        (("deploy",), "which target?"),
        (("deploy", "--target", "nope"), "no target 'nope'; there are: local, dev, prod"),
        (("deploy", "--target", "local"), "runs on platform 'local', there is nothing to deploy"),
        (("doctor", "--target", "local"), "runs on platform 'local'"),
        (
            ("deploy", "--target", "dev", "--wheel", "x-1.whl"),
            "x-1.whl is not named as a wheel of the jobs is",
        ),
        (
            ("deploy", "--target", "dev", "--wheel", "iot_lakehouse-0.1.0-py3-none-any.whl"),
            "iot_lakehouse-0.1.0-py3-none-any.whl is not named as a wheel of the jobs is",
        ),
        (
            ("deploy", "--target", "dev", "--wheel", f"no/{WHEEL}"),
            f"cannot read the wheel no/{WHEEL}: No such",
        ),
    ],
    ids=str,
)
def test_wrong_usage_is_one_line_and_status_2(
    workspace: Callable[..., Any], argv: tuple[str, ...], expected: str
) -> None:
    said = workspace(*argv)
    assert said.status == 2 and said.out == ""
    assert said.err.startswith("error: ") and expected in said.err and said.err.count("\n") == 1


def test_a_local_target_is_refused_as_such_even_where_its_own_settings_are_missing(
    workspace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAKEHOUSE_HOME")
    assert "platform 'local'" in workspace("doctor", "--target", "local").err


def test_make_hands_the_target_down_in_the_environment(
    workspace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TARGET", "$(touch x); nope")
    assert "no target '$(touch x); nope'" in workspace("deploy").err


UNUSABLE = [
    (None, "Airflow has no connection databricks_default"),
    ("{not json", f"{VARIABLE} is set but is no connection"),
    (connection(), "connection databricks_default has no host"),
    (
        connection(host="h.invalid", login="id", password="", extra={"service_principal_oauth": True}),
        "has no credentials: service_principal_oauth needs the client id as login",
    ),
]


@pytest.mark.parametrize(("value", "expected"), UNUSABLE, ids=["none", "no JSON", "no host", "no secret"])
def test_an_unusable_connection_is_one_line(
    workspace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, value: str | None, expected: str
) -> None:
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    said = workspace("deploy", "--target", "dev")
    assert (said.status, said.out) == (1, "")
    assert expected in said.err and said.err.count("\n") == 1
    said = workspace("doctor", "--target", "dev")
    first, *others, pool = said.out.splitlines()
    assert said.status == 1 and first.startswith("FAILED   connection") and expected in first
    assert [line.split()[:2] for line in others] == [
        ["skipped", name] for name in ("host", "auth", "catalog", "schemas", "volume", "wheel", "compute")
    ]
    assert pool.startswith("ok       pool")


@pytest.mark.parametrize(
    ("host", "expected"),
    [("https://nosuch.invalid", "no such host name"), ("http://127.0.0.1", "connection refused")],
)
def test_a_host_out_of_reach_says_why(
    workspace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, host: str, expected: str
) -> None:
    monkeypatch.setenv(VARIABLE, connection(host=host, port=closed_port()))
    lines = workspace("doctor", "--target", "dev").out.splitlines()
    assert lines[0].startswith("ok       connection")
    assert lines[1].startswith("FAILED   host") and expected in lines[1]
    assert lines[2].startswith("skipped  auth")
    said = workspace("deploy", "--target", "dev")
    assert said.status == 1 and expected in said.err and said.err.count("\n") == 1


def test_a_host_that_is_no_workspace_is_named(
    workspace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(VARIABLE, connection(host="127.0.0.1", schema="http", port=server.server_port))
        said = workspace("deploy", "--target", "dev")
        server.shutdown()
    assert said.status == 1
    assert f":{server.server_port} does not answer as a Databricks workspace does" in said.err


def test_credentials_of_no_known_kind_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from platforms.databricks_client import ConnectionProblem, headers_of, hook_of

    monkeypatch.setenv(VARIABLE, connection(host="https://nosuch.invalid", login="someone"))
    with pytest.raises(ConnectionProblem, match="has no credentials; a service principal's") as raised:
        headers_of(hook_of("databricks_default"))
    assert SECRET not in str(raised.value)


def test_nothing_but_the_connection_says_where_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from platforms.databricks_client import workspace_client

    profiles = tmp_path / "profiles"
    profiles.write_text("[DEFAULT]\nhost = https://elsewhere.invalid\ntoken = other\n")
    foreign = {
        "CONFIG_FILE": str(profiles),
        "CONFIG_PROFILE": "missing",
        "HOST": "https://elsewhere.invalid",
        "TOKEN": "other",
        "CLIENT_ID": "other",
        "CLIENT_SECRET": "other",
        "WORKSPACE_ID": "1",
    }
    for name, value in foreign.items():
        monkeypatch.setenv(f"DATABRICKS_{name}", value)
    monkeypatch.setenv(VARIABLE, connection(host="https://nosuch.invalid/", port=8443))
    config = workspace_client("databricks_default").config
    assert (config.host, config.workspace_id, config.token) == ("https://nosuch.invalid:8443", None, None)
    assert config.authenticate() == {"Authorization": f"Bearer {SECRET}"}


# Where a target is


def changed(**values: str) -> Any:
    """The target dev with other values."""
    from targets import load_target

    return replace(load_target("dev"), **values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"home": "/tmp/lake"}, r"\[dev\]: home must be /Volumes/<catalog>"),
        ({"home": "/Volumes/main/iot_dev_ops/lake/../x"}, "home must be /Volumes"),
    ],
    ids=str,
)
def test_a_place_that_cannot_be_is_refused(values: dict[str, str], expected: str) -> None:
    from workspace.client import Refused, location_of

    with pytest.raises(Refused, match=expected):
        location_of("dev", changed(**values))


def test_the_volumes_own_schema_is_one_of_those_to_create() -> None:
    from workspace.client import location_of

    location = location_of("dev", changed(home="/Volumes/shared/files/lake/iot"))
    assert location.volume == "shared.files.lake"
    assert location.schemas[-1] == "shared.files" and len(location.schemas) == 6
    assert location.catalogs == ("main", "shared")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the wheel is built from."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("catalog", "expectations", "jobs", "queries"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "workspace/wheel_version.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    return folder


@pytest.mark.parametrize("name", ["jobs/errors.py", "queries/alerts.sql", "pyproject.toml", "README.md"])
def test_a_wheel_is_named_after_what_is_in_it(checkout: Path, tmp_path: Path, name: str) -> None:
    from workspace.wheel import NAME, build

    file, names = checkout / name, []
    before = file.read_text()
    for text in (before, f"{before}\n# more\n", before):
        file.write_text(text)
        names.append(build(tmp_path / str(len(names)), checkout).name)
    assert all(NAME.fullmatch(each) for each in names)
    assert names[0] == names[2] != names[1]


def test_a_file_that_moves_changes_the_name(checkout: Path, tmp_path: Path) -> None:
    from workspace.wheel import build

    here, there = checkout / "jobs/files.py", checkout / "jobs/papers.py"
    before = build(tmp_path / "a", checkout).name
    here.rename(there)
    after = build(tmp_path / "b", checkout).name
    there.rename(here)
    assert before != after


def test_what_is_no_wheel_is_refused(tmp_path: Path) -> None:
    from workspace.client import Refused
    from workspace.wheel import read

    (tmp_path / WHEEL).write_text("text")
    with pytest.raises(Refused, match="it is no zip archive"):
        read(tmp_path / WHEEL)


def test_a_deployed_wheel_installs_under_the_version_in_its_name(tmp_path: Path) -> None:
    from workspace.wheel import BUILDER, build

    wheel = build(tmp_path)
    pip = [
        BUILDER,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        tmp_path / "there",
    ]
    subprocess.run([*pip, wheel], check=True, timeout=120)
    (metadata,) = (tmp_path / "there").glob("*.dist-info/METADATA")
    version = wheel.name.split("-")[1]
    assert f"\nVersion: {version}\n" in metadata.read_text()
    assert metadata.parent.name == f"iot_lakehouse-{version}.dist-info"
    assert (tmp_path / "there/jobs/queries").is_dir()


def test_building_the_wheel_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    from workspace.wheel import build, read

    first, second = (read(build(tmp_path / name)) for name in ("a", "b"))
    assert first == second


def test_doctor_looks_for_the_pool_that_every_task_waits_for(
    workspace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, database: None
) -> None:
    from airflow.models.pool import Pool

    def line() -> str:
        return str(workspace("doctor", "--target", "dev").out.splitlines()[-1])

    monkeypatch.delenv(VARIABLE, raising=False)
    assert re.fullmatch(r"ok +pool +spark, slots: 1", line())
    Pool.create_or_update_pool("spark", 4, "", include_deferred=False)
    try:
        assert re.match(
            r"FAILED +pool .*has 4 slots, so stages would work on the same tables at once", line()
        )
        Pool.delete_pool("spark")
        assert re.match(r"FAILED +pool .*wait for ever: `airflow pools set spark 1 ", line())
    finally:
        Pool.create_or_update_pool("spark", 1, "", include_deferred=False)


def test_doctor_makes_no_database_to_look_for_the_pool(tmp_path: Path) -> None:
    """By itself: Airflow reads its home when it is imported."""
    code = "from workspace.airflow_database import slots_of; print(slots_of('spark'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env=os.environ | {"AIRFLOW_HOME": str(tmp_path)},
    )
    assert done.stdout == "None\n", done.stderr
    assert not list(tmp_path.glob("*.db"))
