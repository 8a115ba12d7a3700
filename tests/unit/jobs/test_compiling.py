"""Which steps are interpreted: those with wide queries, of few rows a source."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from jobs import compiling
from jobs.cli.parser import parse
from jobs.outcome import Outcome, TableResult
from jobs.settings import Settings
from jobs.state import run_results

NIGHT = "2024-03-05"
MANY = compiling.ROWS


@pytest.fixture
def settings(tmp_path):
    """The settings of a step of a night of two sources."""

    def of(*step: str, run_id: str = "a-run") -> Settings:
        options = [f"--night={NIGHT}", "--tables=readings,devices", f"--home={tmp_path}"]
        return parse([*step, *options, *([f"--run-id={run_id}"] if run_id else [])])

    return of


@pytest.fixture
def landed(settings):
    """Have a run's bronze leave a result with so many rows a source."""

    def by(run_id: str, *rows: int, error: Exception | None = None) -> None:
        tables = [TableResult(f"bronze.{name}", count) for name, count in zip(("a", "b"), rows, strict=True)]
        outcome = Outcome.of(error) if error else Outcome(tables)
        run_results.write(settings("bronze", run_id=run_id), outcome, datetime.now(UTC))

    return by


WIDE = [("check", "--layer=bronze"), ("check", "--layer=silver"), ("report",)]


@pytest.mark.parametrize("step", WIDE, ids=lambda step: step[-1])
def test_a_step_after_bronze_goes_by_the_rows_of_its_run_on_average_of_sources(settings, landed, step):
    landed("a-run", 2 * MANY - 2, 1)
    landed("another", 2 * MANY - 1, 1)
    assert compiling.pays_to_interpret(settings(*step))
    assert not compiling.pays_to_interpret(settings(*step, run_id="another"))


@pytest.mark.parametrize(
    "step", [("gold",), ("check", "--layer=gold"), ("publish",)], ids=lambda step: step[-1]
)
def test_steps_that_read_a_week_are_compiled_however_few_rows_came(settings, landed, step):
    landed("a-run", 1, 1)
    assert not compiling.pays_to_interpret(settings(*step))


def test_without_a_result_of_bronze_queries_are_compiled(settings, landed):
    assert not compiling.pays_to_interpret(settings("report"))
    landed("a-run", 1, 1, error=ValueError("broken"))
    assert not compiling.pays_to_interpret(settings("report"))


def test_with_a_damaged_result_queries_are_compiled(settings, landed):
    landed("a-run", 1, 1)
    (settings("report").run_folder / "bronze.json").write_text("{")
    assert not compiling.pays_to_interpret(settings("report"))


def test_by_hand_queries_are_compiled(settings, landed):
    by_hand = settings("bronze", run_id="").run_id
    landed(by_hand, 1, 1)
    assert not compiling.pays_to_interpret(settings("report", run_id=""))


def test_bronze_goes_by_the_files_that_it_may_read(settings):
    bronze = settings("bronze")
    folder, rest = bronze.landing / "readings", (len(bronze.sources) - 1) * compiling.BYTES - 1
    for place, bytes_ in (
        ("arrived=2024-03-04", 9 * compiling.BYTES),
        ("_rejected", 9 * compiling.BYTES),
        (f"arrived={NIGHT}/below", compiling.BYTES),
        ("gateway-7", rest),
    ):
        (folder / place).mkdir(parents=True)
        with (folder / place / "export.json").open("w") as file:
            file.truncate(bytes_)
    assert compiling.pays_to_interpret(bronze)
    (folder / "one-more.json").write_text("{")
    assert not compiling.pays_to_interpret(bronze)


def test_nothing_landed_is_little(settings):
    assert settings("bronze").nights == [date(2024, 3, 5)]
    assert compiling.pays_to_interpret(settings("bronze"))
