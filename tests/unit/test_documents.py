"""docs/architecture.md and docs/glossary.md: the files and tables that they name are there; and no file holds a key."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.tables import TABLES
from tests.support.project import PROJECT

PAGES = ("docs/architecture.md", "docs/glossary.md")
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")
# Something with a slash, or a file at the top; not with a <placeholder>.
FILE = re.compile(r"[\w.-]+(/[\w.-]+)+/?|[\w.-]+/|[\w-]+\.(md|toml|yml|py)|Makefile")
TABLE = re.compile(r"(bronze|silver|gold|ops|staging)\.\w+")
# As clouds, brokers and forges issue them.
KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[\w+/=\s]{100}|\bdapi[0-9a-f]{32}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{36}"
    r"|(SharedAccess|Account)Key=[\w+/]{40}|\bxox[abprs]-\w{10}|\beyJ[\w-]{20,}\.[\w-]{20}"
)
OF_A_LAKE = {"truth/", "_rejected/", "_documents/", "_withdrawn/"}


def mistakes(name: str, page: str) -> Iterator[str]:
    """What is wrong with a page, in words."""
    for span in SPAN.findall(page):
        if TABLE.fullmatch(span):
            if span not in TABLES:
                yield f"{span} is no table"
        elif FILE.fullmatch(span) and span not in OF_A_LAKE and not (PROJECT / span).exists():
            yield f"{span} is not there"
    for link in LINK.findall(page):
        if not (PROJECT / name).with_name(Path(link).name).exists():
            yield f"{link} is linked and not there"


@pytest.mark.parametrize("name", PAGES)
def test_files_and_tables_that_a_page_names_are_there(name: str) -> None:
    page = (PROJECT / name).read_text()
    assert list(mistakes(name, page)) == []
    assert len(set(SPAN.findall(page))) > 50


def test_ten_questions_have_an_answer_that_names_a_file() -> None:
    _, questions = (PROJECT / PAGES[0]).read_text().split("| question | answer |\n|---|---|\n")
    answers = [row.strip("|").split(" | ")[1] for row in questions.splitlines() if row]
    assert len(answers) >= 10
    assert [answer for answer in answers if not any(map(FILE.fullmatch, SPAN.findall(answer)))] == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("`jobs/nothing.py`", "jobs/nothing.py is not there"),
        ("`gold.nothing`", "gold.nothing is no table"),
        ("[x](nothing.md)", "nothing.md is linked and not there"),
    ],
)
def test_a_line_that_is_not_true_is_found(line: str, complaint: str) -> None:
    assert list(mistakes(PAGES[0], line)) == [complaint]


def test_no_file_holds_what_looks_like_a_key() -> None:
    assert KEY.search(f"token = dapi{'0' * 32}") and KEY.search(f"SharedAccessKey={'k' * 43}=")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )
    files = [PROJECT / name for name in listed if name and (PROJECT / name).is_file()]
    assert len(files) > 400
    assert [str(file) for file in files if KEY.search(file.read_text(errors="replace"))] == []
