"""docs/coverage.md and tests/README.md: what they name is there, and what the catalog holds is named."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from catalog.tables import GOLD, SILVER, SOURCES, TABLES
from tests.support.project import PROJECT

PAGE = (PROJECT / "docs/coverage.md").read_text()
GUARANTEES = (PROJECT / "tests/README.md").read_text()
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
# Folder of tests -> what the column `level` of tests/README.md calls it.
LEVELS = {
    "unit": "unit",
    "spark": "spark",
    "simulator": "simulator",
    "databricks": "databricks",
    "support": "databricks",
    "end_to_end": "end to end",
}
QUERIES = {str(file.relative_to(PROJECT)) for file in (PROJECT / "queries").iterdir()}


def spans(page: str) -> set[str]:
    """What stands in code spans."""
    return set(re.findall(r"`([^`\n]+)`", page))


def rows(page: str) -> list[list[str]]:
    """The cells of each row, without the heads of the tables."""
    lines = [line for line in page.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] not in ("what", "guarantee") and set(row[0]) != {"-"}]


@cache
def functions_of(path: str) -> frozenset[str]:
    """The test functions of a file; none if it is not there."""
    file = PROJECT / path
    body = ast.parse(file.read_text()).body if file.is_file() else []
    names = (node.name for node in body if isinstance(node, ast.FunctionDef))
    return frozenset(name for name in names if name.startswith("test_"))


def is_test(span: str) -> bool:
    """Whether there is a test that is called so."""
    found = TEST.fullmatch(span)
    return bool(found) and found[2] in functions_of(found[1])


def mistakes(page: str) -> Iterator[str]:
    """What is wrong with a page, in words."""
    for span in sorted(spans(page)):
        if "::" in span:
            if not is_test(span):
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


def broken_guarantees(page: str) -> Iterator[str]:
    """What is wrong with a page of guarantees, in words."""
    for row in rows(page):
        if len(row) != 3 or not all(row):
            yield f"{row[0]} has not three cells"
            continue
        named = [span for span in re.findall(r"`([^`]+)`", row[2]) if "::" in span]
        if not named:
            yield f"{row[0]} has no test"
            continue
        yield from (f"{span} is no test" for span in named if not is_test(span))
        stand = {LEVELS.get(span.split("/")[1]) for span in named if is_test(span)}
        in_order = [level for level in dict.fromkeys(LEVELS.values()) if level in stand]
        if row[1] != ", ".join(in_order) and all(map(is_test, named)):
            yield f"{row[0]} is proven at {', '.join(in_order)}, not at {row[1]}"


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


def test_every_guarantee_names_tests_that_are_there_at_their_level():
    assert list(broken_guarantees(GUARANTEES)) == []
    assert len(rows(GUARANTEES)) >= 150


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("| a | unit | none |", "a has no test"),
        ("| a | unit |", "a has not three cells"),
        ("| a | | b |", "a has not three cells"),
        (
            "| a | unit | `tests/unit/test_coverage.py::test_nothing` |",
            "tests/unit/test_coverage.py::test_nothing is no test",
        ),
        (
            "| a | spark | `tests/unit/test_coverage.py::test_what_is_left_out_is_found` |",
            "a is proven at unit, not at spark",
        ),
    ],
)
def test_a_guarantee_without_its_test_is_found(line, complaint):
    assert list(broken_guarantees(f"{GUARANTEES}\n{line}\n")) == [complaint]
