"""The workflow on GitHub runs the project's own CI and deploys as `make deploy` does; GitHub itself is not asked."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from platforms.databricks_client import OAUTH, hook_of

from tests.run import PARTS, SUITES
from tests.support.project import PROJECT

WORKFLOW = yaml.safe_load((PROJECT / ".github/workflows/ci.yml").read_text())
JOBS: dict[str, Any] = WORKFLOW["jobs"]
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]
DEPLOY: dict[str, str] = JOBS["deploy"]["steps"][-1]["env"]
VALUES = {
    "vars.DATABRICKS_TARGET": "$(touch x); nope",
    "vars.DATABRICKS_HOST": "https://example.cloud.databricks.com",
    "vars.DATABRICKS_CLIENT_ID": "0f1e2d3c",
    "secrets.DATABRICKS_CLIENT_SECRET": 'a "quoted" \\ secret',
}


def runs(job: str) -> list[str]:
    return [step["run"] for step in JOBS[job]["steps"] if "run" in step]


def texts(value: Any, *place: str) -> Iterator[tuple[str, str]]:
    """Every text of the workflow and where it stands."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(each, *place, str(key))
    else:
        yield ".".join(place), str(value)


def filled(text: str) -> str:
    """A text as GitHub passes it on: a JSON text where the workflow asks for one, else the value as it is."""
    text = re.sub(r"\$\{\{ toJSON\((\S+)\) \}\}", lambda found: json.dumps(VALUES[found[1]]), text)
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: VALUES[found[1]], text)


def test_pull_requests_and_pushes_to_main_run_what_ci_runs_elsewhere() -> None:
    # YAML 1.1 takes the key `on` for a yes.
    assert WORKFLOW[True] == {"push": {"branches": ["main"]}, "pull_request": None}
    assert runs("test") == ['.ci/run "$PART"']
    assert "if" not in JOBS["test"] and JOBS["test"]["timeout-minutes"] == 60
    # Side by side, and together all that there is: a part that is left out would be a proof that is left out.
    assert JOBS["test"]["strategy"] == {"fail-fast": False, "matrix": {"part": [*PARTS]}}
    assert {suite for part in PARTS.values() for suite in part} == {*SUITES}
    steps = [step for _, step in STEPS]
    assert not [each for each in (*JOBS.values(), *steps) if "continue-on-error" in each], "what fails is red"


def test_python_and_java_are_those_of_the_project() -> None:
    def versions(tool: str) -> set[str]:
        with_it = [step for _, step in STEPS if step.get("uses", "").startswith(f"actions/setup-{tool}@")]
        return {step["with"][f"{tool}-version"] for step in with_it}

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    dockerfile = (PROJECT / "Dockerfile").read_text()
    (python,), (java,) = versions("python"), versions("java")
    assert project["requires-python"] == f">={python}" and f"python:{python}-" in dockerfile
    assert set(re.findall(r"openjdk-(\d+)-", dockerfile + (PROJECT / ".ci/run").read_text())) == {java}


def test_only_main_is_deployed_only_after_its_tests_and_only_where_a_target_is_named() -> None:
    deploy = JOBS["deploy"]
    assert deploy["needs"] == "test"
    assert set(deploy["if"].split(" && ")) == {
        "github.event_name == 'push'",
        "github.ref == 'refs/heads/main'",
        "vars.DATABRICKS_TARGET != ''",
    }
    assert runs("deploy") == ["make deploy"]


def test_variables_and_secrets_reach_a_command_through_its_environment_alone() -> None:
    of_a_step = re.compile(r"jobs\.deploy\.steps\.\d+\.env\.\w+")
    where = {name: {place for place, text in texts(WORKFLOW) if name in text} for name in VALUES}
    assert where.pop("vars.DATABRICKS_TARGET") == {
        "jobs.deploy.if",
        "jobs.deploy.environment",
        f"jobs.deploy.steps.{len(JOBS['deploy']['steps']) - 1}.env.TARGET",
    }
    assert all(places and all(map(of_a_step.fullmatch, places)) for places in where.values())
    named = re.findall(r"\b(?:vars|secrets)\.\w+", "\n".join(text for _, text in texts(WORKFLOW)))
    assert set(named) == VALUES.keys()
    assert not [step for _, step in STEPS if "${{" in step.get("run", "")]


def test_the_token_may_only_read_and_actions_are_githubs_own() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not [name for name, job in JOBS.items() if "permissions" in job]
    used = [step["uses"] for _, step in STEPS if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[\w-]+@v\d+", each) for each in used)


def test_a_newer_push_ends_the_tests_of_a_pull_request_but_no_deployment() -> None:
    assert WORKFLOW["concurrency"] == {
        "group": "ci-${{ github.ref }}",
        "cancel-in-progress": "${{ github.event_name == 'pull_request' }}",
    }


def test_deploy_gets_its_target_and_a_connection_that_is_complete(
    workspace: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = tomllib.loads((PROJECT / "dags/targets.toml").read_text()).values()
    (connection,) = {each["databricks"]["connection"] for each in targets if "databricks" in each}
    assert DEPLOY.keys() == {"TARGET", f"AIRFLOW_CONN_{connection.upper()}"}
    for name, text in DEPLOY.items():
        monkeypatch.setenv(name, filled(text))
    assert "no target '$(touch x); nope'" in workspace("deploy").err
    hook = hook_of(connection)
    assert hook.host == "example.cloud.databricks.com" and hook.databricks_conn.extra_dejson[OAUTH] is True
    assert hook.databricks_conn.login == VALUES["vars.DATABRICKS_CLIENT_ID"]
    assert hook.databricks_conn.password == VALUES["secrets.DATABRICKS_CLIENT_SECRET"]
