"""Every test runs in one suite, what asks for tests that are not there is refused, and planted faults fit the code."""

import re
import subprocess
import sys

import pytest

from tests.plant_faults import FAULTS
from tests.run import suites_of
from tests.support.project import PROJECT


def test_every_test_file_is_in_one_suite():
    files = [str(file) for file in (PROJECT / "tests").rglob("test_*.py")]
    assert len(files) > 70
    assert {file for file in files if len(suites_of(file)) != 1} == set()


@pytest.mark.parametrize("path", ["", "tests/nowhere", "jobs", "tests/unit::test_x"])
def test_what_holds_no_tests_is_refused_in_one_line(path):
    with pytest.raises(SystemExit, match=r"^error: "):
        suites_of(path)


@pytest.mark.parametrize("test", ["nothing", "nothing[a::b]", "nothing::test_x", "test_a_relative_path"])
def test_a_test_that_its_file_does_not_have_is_refused_in_one_line_with_how_to_find_those_it_has(test):
    file = "tests/unit/test_suites_of_tests.py"
    with pytest.raises(SystemExit) as refused:
        suites_of(f"{file}::{test}")
    missing = re.match(r"\w+", test)[0]
    said = f"error: there is no {missing} in {file}; `grep 'def test_' {file}` lists its tests"
    assert refused.value.code == said


@pytest.mark.parametrize("parameter", ["", "[jobs]", "[a::b]"])
def test_a_test_that_a_file_has_is_run_with_its_parameter(parameter):
    path = f"tests/unit/test_suites_of_tests.py::test_what_holds_no_tests_is_refused_in_one_line{parameter}"
    assert [suite.paths for suite in suites_of(path)] == [(path,)]


def test_a_relative_path_is_one_of_the_project(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (suite,) = suites_of("tests/unit/test_suites_of_tests.py")
    assert suite.name == "unit"


def test_the_text_of_each_planted_fault_is_in_its_file_once_and_its_tests_are_there():
    texts = {each.file: (PROJECT / each.file).read_text() for each in FAULTS}
    assert [each.name for each in FAULTS if texts[each.file].count(each.was) != 1] == []
    named = [test.split("::") for each in FAULTS for test in each.tests]
    assert [name for file, name in named if f"def {name}(" not in (PROJECT / file).read_text()] == []


def test_what_is_no_fault_is_refused_and_help_is_given():
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "tests/plant_faults.py", *arguments]
        return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

    refused = run("nonsense")
    assert refused.returncode == 2 and refused.stderr == "no such fault: nonsense; see --list\n"
    assert run("--help").stdout.startswith("Plant faults")
