"""The database that reads a lake's files does nothing else, and leaves the server its memory and time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from serving import database
from serving.problems import Problem
from serving.tables import Condition, read
from tests.unit.serving.conftest import hours, publish

ENDLESS = (
    "SELECT count(*) FROM range(1000000000) AS a, range(1000000000) AS b WHERE a.range * b.range % 7 = 3"
)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_text('{folder}/../outside')",
        "COPY (SELECT 1) TO '{folder}/../outside'",
        "ATTACH '{folder}/../outside'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_parquet('https://127.0.0.1:9/x')",
        "SET memory_limit = '64GB'",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
    ],
)
def test_nothing_but_the_lakes_files_is_opened_and_no_limit_is_lifted(tmp_path: Path, statement: str) -> None:
    folder, outside = tmp_path / "warehouse", tmp_path / "outside"
    outside.write_text("secret")
    with pytest.raises(duckdb.Error):
        database.execute(folder, statement.format(folder=folder), {}, None)
    assert outside.read_text() == "secret"


def test_what_takes_too_long_is_interrupted_and_the_next_statement_is_answered(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(Problem, match="took too long") as late:
        database.execute(tmp_path, ENDLESS, {}, time.monotonic() + 0.05)
    assert late.value.status == 503 and time.monotonic() - began < 10
    answer = database.execute(tmp_path, "SELECT 1 AS one", {}, time.monotonic() + 10)
    assert answer.to_pydict() == {"one": [1]}


def test_what_takes_too_much_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(database.SETTINGS, "memory_limit", "8MB")
    statement = "SELECT range::VARCHAR AS text FROM range(1000000) ORDER BY text"
    with pytest.raises(Problem, match="ask for fewer") as refused:
        database.execute(tmp_path, statement, {}, None)
    assert refused.value.status == 503


def test_many_read_at_once_and_each_has_its_own_rows(tmp_path: Path) -> None:
    publish(tmp_path, "gold.climate_hourly", hours(5, *((f"Room_{n}", n, 1.0) for n in range(20))), 5)

    def count(number: int) -> list[int]:
        where = [Condition("location", "eq", f"Room_{number}")]
        return read(tmp_path, "gold.climate_hourly", ["log_count"], where)["log_count"].to_pylist()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(count, range(20))) == [[number] for number in range(20)]
