"""The environments of the services and of jobs that are run by hand."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from embedded.config import Config
from embedded.services import airflow_environment, job_environment
from embedded.vault import Vault

Environment = Callable[[Config, Vault], dict[str, str]]


@pytest.mark.parametrize("environment", [airflow_environment, job_environment])
@pytest.mark.parametrize("variable", ["no_proxy", "NO_PROXY"])
def test_what_is_on_this_machine_is_reached_without_a_proxy_and_so_is_what_the_caller_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: Environment, variable: str
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.corp.example:3128")
    monkeypatch.setenv(variable, "workspace.corp.example")
    config = Config(tmp_path / "run", tmp_path / "lake", 18080, 18081, "local", True)
    made = environment(config, Vault(tmp_path / "secrets"))
    assert made["NO_PROXY"] == made["no_proxy"]
    monkeypatch.setenv("no_proxy", made["no_proxy"])
    for host in ("127.0.0.1:18081", "localhost:18080", "workspace.corp.example"):
        assert urllib.request.proxy_bypass(host), host
    assert not urllib.request.proxy_bypass("hooks.example.org")
    assert made["https_proxy"] == "http://proxy.corp.example:3128"


@pytest.mark.parametrize("environment", [airflow_environment, job_environment])
def test_nobody_hears_that_it_is_used(tmp_path: Path, environment: Environment) -> None:
    config = Config(tmp_path / "run", tmp_path / "lake", 18080, 18081, "local", True)
    assert environment(config, Vault(tmp_path / "secrets"))["GX_ANALYTICS_ENABLED"] == "false"


@pytest.mark.parametrize("environment", [airflow_environment, job_environment])
def test_what_the_caller_says_of_iceberg_reaches_the_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: Environment
) -> None:
    given = {"LAKEHOUSE_ICEBERG": "lab", "PYICEBERG_CATALOG__LAB__URI": "https://catalog.example"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    config = Config(tmp_path / "run", tmp_path / "lake", 18080, 18081, "local", True)
    assert given.items() <= environment(config, Vault(tmp_path / "secrets")).items()
