"""How far a step has come, as its threads leave it and others read it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from catalog.progress import Progress, progress_file, read
from jobs.outcome import Outcome
from jobs.settings import Settings
from jobs.state import run_results
from jobs.state.progress import StepProgress, clear


@pytest.fixture
def step(tmp_path: Path) -> Settings:
    return Settings("bronze", date(2024, 3, 5), "r1", tmp_path, "spark_catalog", "", frozenset())


def come(step: Settings) -> Progress | None:
    return read(step.docs, "r1", "bronze")


def test_a_table_is_done_when_all_that_was_expected_of_it_is(step: Settings) -> None:
    progress = StepProgress(step)
    progress.expect(["a", "b", "a"])
    assert come(step) == Progress(0, 2)
    progress.done("a")
    assert come(step) == Progress(0, 2)
    progress.done("a", 5)
    assert come(step) == Progress(1, 2, 5)
    progress.expect({"c": "whatever it is for the stage", "a": 7})
    assert come(step) == Progress(0, 3, 5)
    for table in "abc":
        progress.done(table, 1)
    assert come(step) == Progress(3, 3, 8)


def test_threads_lose_no_table_and_a_reader_sees_only_whole_files(step: Settings) -> None:
    progress, tables = StepProgress(step), [f"t{number}" for number in range(40)]
    progress.expect(tables)
    seen = []

    def work(table: str) -> None:
        progress.done(table, 1)
        seen.append(come(step))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, tables))
    assert None not in seen and come(step) == Progress(40, 40, 40)


def test_it_is_gone_once_the_result_is_there_and_is_no_result(step: Settings) -> None:
    StepProgress(step).expect(["a"])
    assert list(run_results.of_all_runs(step)) == []
    run_results.write(step, Outcome(), datetime.now(UTC))
    assert [path.name for path in step.run_folder.iterdir()] == ["bronze.json"]
    clear(step)


def test_a_place_that_cannot_be_written_to_stops_no_step(step: Settings) -> None:
    step.docs.mkdir()
    (step.docs / "runs").write_text("a file where a folder should be")
    progress = StepProgress(step)
    progress.expect(["a"])
    progress.done("a")
    clear(step)
    assert come(step) is None


def test_on_databricks_there_is_none(step: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    StepProgress(step).expect(["a"])
    assert not step.docs.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"done": 1, "tab',
        "[]",
        Progress(1, 2).to_json().replace('"version": 1', '"version": 2'),
        '{"done": 1, "tables": 2}',
        '{"done": 1, "version": 1}',
        '{"done": 1, "tables": 2, "rows": null, "version": 1, "more": 3}',
        '{"done": "1", "tables": 2, "version": 1}',
        '{"done": 1, "tables": 2, "rows": -1, "version": 1}',
    ],
)
def test_what_is_torn_foreign_or_newer_is_no_progress(step: Settings, text: str) -> None:
    file = progress_file(step.docs, "r1", "bronze")
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert come(step) is None
