"""Who may import whom: the contracts in pyproject.toml, and that breaking one is found."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import PROJECT

LINT_IMPORTS = PROJECT / ".venv/tools/bin/lint-imports"
PACKAGES = (
    *("catalog", "jobs", "expectations", "pipelines"),
    *("dags", "plugins", "serving", "embedded", "workspace"),
)
# File and what it must not import.
ACROSS_THE_LINE = [
    ("dags/chain.py", "pyspark"),
    ("dags/platforms/local.py", "great_expectations"),
    ("dags/job.py", "jobs.settings"),
    ("workspace/deploy.py", "jobs.settings"),
    ("serving/tables.py", "jobs.settings"),
    ("catalog/tables.py", "jobs.settings"),
    ("jobs/gold/publish.py", "airflow"),
    ("expectations/device.py", "airflow"),
    ("pipelines/rules.py", "airflow"),
    ("jobs/gold/stage.py", "pipelines.rules"),
    ("jobs/silver/validation.py", "jobs.gold.aggregates"),
    ("jobs/bronze/stage.py", "jobs.silver.pending"),
    ("jobs/backfill/stage.py", "jobs.gold.aggregates"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's packages that a test may spoil."""
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, tmp_path / package)
    return tmp_path


def lint(project: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINT_IMPORTS, "--no-cache"], cwd=project, capture_output=True, text=True)


def test_every_contract_is_kept(project):
    done = lint(project)
    assert done.returncode == 0, done.stdout


def test_an_import_across_the_line_is_found(project):
    """All at once: the linter names each, so that none hides behind another."""
    lines = {}
    for file, forbidden in ACROSS_THE_LINE:
        path = project / file
        path.write_text(path.read_text() + f"\nimport {forbidden}\n")
        lines[file, forbidden] = len(path.read_text().splitlines())
    done = lint(project)
    assert done.returncode == 1 and "BROKEN" in done.stdout
    printed = " ".join(done.stdout.split())
    for (file, forbidden), line in lines.items():
        importer = file.removesuffix(".py").replace("/", ".")
        assert f"{importer} -> {forbidden} (l.{line})" in printed, (file, done.stdout)


def test_a_module_and_a_function_are_read_in_one_go():
    """A module has 250 lines at most, and a function 50."""
    too_long = []
    for file in [file for package in PACKAGES for file in (PROJECT / package).rglob("*.py")]:
        text = file.read_text()
        if (lines := text.count("\n")) > 250:
            too_long.append(f"{file.relative_to(PROJECT)}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if (
                isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
                and node.end_lineno - node.lineno >= 50
            ):
                too_long.append(f"{file.relative_to(PROJECT)}: {node.name} is longer than 50 lines")
    assert too_long == []


def test_the_catalog_needs_the_standard_library_alone():
    found = set()
    for file in (PROJECT / "catalog").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module.split(".")[0])
    assert "tomllib" in found and found - sys.stdlib_module_names == {"catalog"}
