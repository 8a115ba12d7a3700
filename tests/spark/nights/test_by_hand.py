"""A stage by hand where something is missing: one line that says what, a status, and a record of it."""

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from catalog.pipeline import STAGES
from catalog.run_result import TableEntry
from jobs import session
from jobs.delta.lake import Lake
from jobs.errors import JobError
from jobs.main import main
from jobs.runner import run_stage
from tests.support.project import free_port
from tests.support.run_results import leave, result

NIGHT = date(2024, 3, 5)
# Stage and options -> exit status, and what it says on an empty lake; {} is the prefix of the schemas.
NEEDY = {
    "check --layer=bronze": (
        1,
        "there is no table spark_catalog.{}bronze.devices yet; run `bronze` before `check`",
    ),
    "silver": (1, "there is no table spark_catalog.{}bronze.devices yet; run `bronze` before `silver`"),
    "check --layer=silver": (1, "silver.device_registry yet; run `silver` before `check`"),
    "gold": (1, "there is no table spark_catalog.{}ops.row_accounts yet; run `silver` before `gold`"),
    "check --layer=gold": (1, "run by-hand has staged nothing"),
    "publish": (1, "run by-hand has staged nothing"),
    "report": (3, "2024-03-05 is not reconciled: devices has no account; device_changes has no account"),
    "train": (1, "there is no table silver.inspection_features yet; run `silver` before `train`"),
    "verify": (1, "there is no table spark_catalog.{}ops.row_accounts yet; run `silver` before `verify`"),
}
FRUGAL = {
    "generate",
    "bronze",
    "backfill",
    "stream",
    "receive",
    "maintain",
}  # they need nothing of other stages


@pytest.fixture
def by_hand(lake, capsys, caplog):
    """Run a stage in the test's lake: exit status and complaint. No traceback may be among what it logs."""

    def stage(text: str, home: Path | None = None) -> tuple[int, str]:
        name, *options = text.split()
        settings = lake(name)
        capsys.readouterr()
        where = [f"--home={home or settings.home}", f"--prefix={settings.prefix}", f"--night={NIGHT}"]
        tables = [] if name in ("maintain", "train") else ["--tables=locations,site_events"]
        code = main([name, *options, *where, *tables])
        assert not any(record.exc_info for record in caplog.records), caplog.text
        return code, capsys.readouterr().err

    return stage


@pytest.fixture
def recorded(table):
    """What `ops.job_runs` says: stage, table, rows, status, message."""
    return lambda: [
        (row.stage, row.table, row.rows, row.status, json.loads(row.detail).get("message"))
        for row in table("ops.job_runs").collect()
    ]


def test_every_stage_is_known_to_need_others_or_not():
    assert {text.split()[0] for text in NEEDY} | FRUGAL == set(STAGES)


@pytest.mark.parametrize("stage", NEEDY)
def test_a_stage_on_an_empty_lake_says_in_one_line_what_to_run_before(by_hand, lake, stage, recorded, spark):
    status, says = NEEDY[stage]
    code, error = by_hand(stage)
    assert (code, error.count("\n")) == (status, 1) and says.format(lake("verify").prefix) in error
    if stage == "verify":
        assert not spark.catalog.tableExists(lake("verify").table("ops.job_runs")), "it writes nothing"
    else:
        step, _, message = error.strip().partition(": ")
        assert recorded() == [(step, None, None, "refused" if code == 3 else "failed", message)]


def test_what_fails_is_kept_with_what_the_steps_of_its_run_have_done_and_nothing_twice(lake, spark, recorded):
    settings = lake("gold", run_id="nightly", night=NIGHT)

    def leave_done(step: str, minute: int, rows: int) -> None:
        done = TableEntry("bronze.readings", rows)
        leave(
            settings.docs, result(step, done, run_id="nightly", ended_at=f"2024-03-06T01:{minute}:00+00:00")
        )

    def fail() -> None:
        with pytest.raises(JobError, match="run `silver`"):
            run_stage(Lake(spark, settings))

    leave_done("bronze", 10, 7)
    fail()
    leave_done("check_bronze", 12, 7)
    fail()
    # As after a new delivery: the first attempt stays.
    leave_done("bronze", 14, 2)
    fail()
    kept = Counter(row[:4] for row in recorded())
    assert kept == {
        ("bronze", "bronze.readings", 7, "done"): 1,
        ("check_bronze", "bronze.readings", 7, "done"): 1,
        ("bronze", "bronze.readings", 2, "done"): 1,
        ("gold", None, None, "failed"): 3,
    }


def test_a_step_by_hand_is_kept_at_once(by_hand, recorded):
    for _ in range(2):
        assert by_hand("bronze") == (0, "")
    assert {(*row[:1], *row[3:]) for row in recorded()} == {("bronze", "done", None)}
    assert Counter(row[1] for row in recorded())["bronze.locations"] == 2


def test_a_stage_whose_failure_cannot_be_recorded_still_says_why_it_failed(by_hand, lake, spark, caplog):
    settings = lake("gold")
    Lake(spark, settings).ensure(["ops.digests"])
    spark.sql(f"CREATE TABLE {settings.table('ops.job_runs')} (other INT) USING DELTA")
    code, error = by_hand("gold")
    assert code == 1 and "run `silver` before `gold`" in error
    assert "ops.job_runs has no row about this" in caplog.text


def test_a_failure_is_not_recorded_when_spark_is_gone(lake, spark, monkeypatch):
    settings = lake("gold")
    assert session.is_reachable()
    monkeypatch.setenv("SPARK_REMOTE", f"sc://localhost:{free_port()}")
    with pytest.raises(JobError, match="run `silver`"):
        run_stage(Lake(spark, settings))
    assert not session.is_reachable()
    assert not spark.catalog.tableExists(settings.table("ops.job_runs"))


@pytest.mark.parametrize("stage", ["generate", "gold"])
def test_a_home_that_cannot_be_written_is_said_in_one_line(by_hand, tmp_path, stage):
    home = tmp_path / "file"
    home.write_text("")
    code, error = by_hand(stage, home)
    assert (code, error) == (1, f"{stage}: Not a directory: {home}/data-docs/runs/by-hand\n")


def test_a_stage_that_cannot_leave_its_run_result_has_failed(by_hand, lake):
    run_result = lake("maintain", run_id="by-hand").run_folder / "maintain.json"
    run_result.mkdir(parents=True)
    code, error = by_hand("maintain")
    assert (
        (code, error.count("\n")) == (1, 1) and "Is a directory" in error and str(run_result.parent) in error
    )
