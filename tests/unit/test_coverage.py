"""docs/coverage.md: what it names is there, and what the catalog holds is named in it."""

import ast
import re
from collections.abc import Iterator

import pytest

from jobs.tables import GOLD, SILVER, SOURCES, TABLES
from tests.support.project import PROJECT

PAGE = (PROJECT / "docs/coverage.md").read_text()
# Something with a slash, or a file at the top.
FILE = re.compile(r"[\w.-]+(/[\w.-]+)+/?|[\w.-]+/|[\w-]+\.(md|toml|yml|py)|Makefile")
LINK = re.compile(r"\]\(([^)#:]+)\)")
TEST = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
TABLE = re.compile(r"(bronze|silver|gold|ops|staging)\.\w+")
UNTESTED = ("no test", "not covered")
PLATFORM = {name for name in TABLES if name.startswith("ops.")}
NAMED = {f"bronze.{name}" for name in SOURCES} | {
    table.full_name for layer in (SILVER, GOLD) for table in layer.values()
}
QUERIES = {str(file.relative_to(PROJECT)) for file in (PROJECT / "queries").iterdir()}


def spans(page: str) -> set[str]:
    """What stands in code spans."""
    return set(re.findall(r"`([^`\n]+)`", page))


def rows(page: str) -> list[list[str]]:
    """The cells of each row, without the heads of the tables."""
    lines = [line for line in page.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] != "what" and set(row[0]) != {"-"}]


def is_test(path: str, name: str) -> bool:
    """Whether a file has a test function of that name."""
    file = PROJECT / path
    body = ast.parse(file.read_text()).body if file.is_file() else []
    return name.startswith("test_") and any(
        isinstance(node, ast.FunctionDef) and node.name == name for node in body
    )


def mistakes(page: str) -> Iterator[str]:
    """What is wrong with a page, in words."""
    for span in sorted(spans(page)):
        if "::" in span:
            found = TEST.fullmatch(span)
            if not found or not is_test(*found.groups()):
                yield f"{span} is no test"
        elif TABLE.fullmatch(span):
            if span not in TABLES:
                yield f"{span} is no table"
        elif FILE.fullmatch(span) and not (PROJECT / span).exists():
            yield f"{span} is not there"
    for link in LINK.findall(page):
        if not (PROJECT / "docs" / link).exists():
            yield f"{link} is linked and not there"
    for name in sorted((NAMED | PLATFORM | QUERIES) - spans(page)):
        yield f"{name} is not named"
    for row in rows(page):
        if len(row) != 3 or not all(row):
            yield f"{row[0]} has not three cells"
        elif "::test_" not in row[2] and not row[2].startswith(UNTESTED):
            yield f"{row[0]} has no test and does not say so"


def test_all_that_the_page_names_is_there_and_all_tables_and_queries_are_named():
    assert list(mistakes(PAGE)) == []
    assert len(rows(PAGE)) >= 70


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("`jobs/nothing.py`", "jobs/nothing.py is not there"),
        ("`nothing.toml`", "nothing.toml is not there"),
        ("`jobs/nowhere/`", "jobs/nowhere/ is not there"),
        ("`.ci/nothing`", ".ci/nothing is not there"),
        ("[x](decisions/nothing.md)", "decisions/nothing.md is linked and not there"),
        ("`gold.nothing`", "gold.nothing is no table"),
        (
            "`tests/unit/test_coverage.py::test_nothing`",
            "tests/unit/test_coverage.py::test_nothing is no test",
        ),
        ("`tests/unit/test_coverage.py::mistakes`", "tests/unit/test_coverage.py::mistakes is no test"),
        ("`tests/nothing.py::test_x`", "tests/nothing.py::test_x is no test"),
        ("| a | b | c |", "a has no test and does not say so"),
        ("| a | b |", "a has not three cells"),
    ],
)
def test_a_line_that_is_not_true_is_found(line, complaint):
    assert list(mistakes(f"{PAGE}\n{line}\n")) == [complaint]


@pytest.mark.parametrize("name", ["bronze.telematics", "ops.rejected_files", "queries/fleet_tracking.sql"])
def test_what_is_left_out_is_found(name):
    assert list(mistakes(PAGE.replace(f"`{name}`", name))) == [f"{name} is not named"]
