"""What the images are made of: pinned, hashed, without root and without secrets."""

import os
import re
import subprocess

import pytest

from tests.support.project import PROJECT

DOCKERFILE = (PROJECT / "Dockerfile").read_text()
MAKE_VENV = (PROJECT / "docker/make-venv").read_text()


def stages() -> dict[str, str]:
    """Name of each stage -> its instructions."""
    _, *blocks = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)
    return {block.splitlines()[0].split(" AS ")[1]: block for block in blocks}


@pytest.mark.parametrize("target", ["airflow", "spark"])
def test_an_image_runs_as_the_user_that_owns_the_lake(target: str) -> None:
    users = re.findall(r"^USER (.+)$", stages()[target], re.MULTILINE)
    assert users[-1:] == ["50000:0"]


def test_the_airflow_image_has_no_java_and_the_spark_image_no_airflow() -> None:
    assert "jre" not in stages()["airflow"]
    assert "airflow.txt" not in stages()["spark"]


@pytest.mark.parametrize(
    "instruction",
    ["COPY jobs", "COPY dags", "COPY plugins", "COPY expectations", "COPY queries", "COPY serving"],
)
def test_code_comes_after_requirements(instruction: str) -> None:
    airflow = stages()["airflow"]
    assert airflow.index(instruction) > airflow.rindex("make-venv")


def test_the_legacy_builder_can_build_it() -> None:
    assert not re.search(r"--mount|--chmod|--link|<<", DOCKERFILE)


def test_nothing_is_installed_without_its_hash() -> None:
    assert "pip install" not in DOCKERFILE
    assert len(re.findall("pip install", MAKE_VENV)) == len(re.findall("--require-hashes", MAKE_VENV)) == 2
    makefile = (PROJECT / "Makefile").read_text()
    installing = [line for line in makefile.splitlines() if re.search("pip (install|sync)", line)]
    assert len(installing) > 1
    assert not [line for line in installing if "--require-hashes" not in line]


def test_nobody_hears_that_it_is_used() -> None:
    assert "GX_ANALYTICS_ENABLED=false" in DOCKERFILE


def test_nothing_is_downloaded_by_address() -> None:
    assert not re.search(r"https?://|^ADD ", DOCKERFILE + MAKE_VENV, re.MULTILINE)


def test_no_secret_is_an_argument_or_a_default() -> None:
    names = re.findall(r"^(?:ARG|ENV) +(\w+)|^ +(\w+)=", DOCKERFILE, re.MULTILINE)
    assert not [
        name
        for pair in names
        for name in pair
        if re.search("PASSWORD|SECRET|TOKEN|KEY|AIRFLOW_CONN|CREDENTIAL", name)
    ]


def test_the_builder_is_sent_only_what_is_named() -> None:
    rules = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    assert not [rule for rule in rules if rule.startswith(("!.", "!*")) and rule != "!**/.airflowignore"]


@pytest.mark.parametrize(
    "script",
    [
        ".ci/run",
        "docker/make-venv",
        "docker/jobs",
        "docker/spark-entrypoint",
        "docker/airflow-cleanup",
        "docker/airflow-health",
    ],
)
def test_a_script_is_executable_and_parses(script: str) -> None:
    path = PROJECT / script
    assert path.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", path], check=True)


def test_what_killed_servers_left_in_sparks_scratch_goes_before_another_starts(tmp_path) -> None:
    """On this machine it ends there: no container, no token."""
    for left in ("blockmgr-1/00/shuffle", "spark-2/userFiles/a.jar"):
        (tmp_path / left).parent.mkdir(parents=True)
        (tmp_path / left).write_text("of long ago")
    variables = {**os.environ, "SPARK_LOCAL_DIRS": str(tmp_path)}
    ended = subprocess.run(
        ["docker/spark-entrypoint"], cwd=PROJECT, env=variables, capture_output=True, text=True
    )
    assert "/secrets/spark/token" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_scripts_have_their_line_endings_on_every_checkout(tmp_path) -> None:
    """Git for Windows turns them into CRLF by default, which no shebang survives."""
    clone = [
        "git",
        "clone",
        "-q",
        "--depth=1",
        "-c",
        "core.autocrlf=true",
        f"file://{PROJECT}",
        tmp_path / "clone",
    ]
    subprocess.run(clone, check=True, capture_output=True)
    for script in ("docker/jobs", "docker/make-secrets", "spark/connect-server"):
        assert b"\r" not in (tmp_path / "clone" / script).read_bytes(), script
