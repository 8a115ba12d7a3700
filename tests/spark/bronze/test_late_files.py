"""Files that are put into the folder of a day while bronze is at work, after it has looked and before Spark lists them."""

from datetime import date

import pytest

from jobs.bronze import stage
from jobs.errors import JobError
from tests.support.stages import stand_still

NIGHT = date(2024, 3, 5)
HEADER = "sensor_id,timestamp,temperature,humidity,location\n"
SWAPPED = "sensor_id,timestamp,humidity,temperature,location\n"


def log(sensor: int, *values: float) -> str:
    return f"{sensor},2024-03-05 10:00:00,{','.join(map(str, values))},Room_A\n"


@pytest.fixture
def bronze(run, deliver, table, monkeypatch, caplog):
    """The results of two runs, and what was logged.

    While the first was at work, two files came, and between them somebody wrote on into the one that was there before.
    """
    early = deliver("sensor_logs", "early.csv", HEADER + log(1, 70.5, 40.5), NIGHT)
    deliver("Sensor_Logs", "a.csv", HEADER + log(9, 70.5, 40.5))
    ingest = stage._ingest

    def late(*given):
        deliver("sensor_logs", "usual.csv", HEADER + log(2, 70.5, 40.5), NIGHT)
        deliver("sensor_logs", "swapped.csv", SWAPPED + log(3, 40.5, 70.5), NIGHT)
        return ingest(*given)

    with monkeypatch.context() as patched:
        patched.setattr(stage, "_ingest", late)
        first = run("bronze", night=NIGHT, tables=frozenset({"sensor_logs"}))
    sensors = {row.sensor_id for row in table("bronze.sensor_logs").collect()}
    with early.open("a") as upload:
        upload.write(log(4, 70.5, 40.5))
    stand_still(early)
    again = run("bronze", night=NIGHT, tables=frozenset({"sensor_logs"}))
    return first, sensors, again, caplog.text


def test_what_nobody_had_looked_at_is_taken_back_where_it_was_misread_and_read_right_in_the_next_run(
    bronze, table
):
    (first,), sensors, (second,), said = bronze
    assert sensors == {1, 2}, "with its header, the swapped file was two lines"
    assert (first.rows, second.rows) == (4, 1)
    rows = table("bronze.sensor_logs").collect()
    assert {row.sensor_id: (row.temperature, row.humidity) for row in rows} == dict.fromkeys(
        (1, 2, 3), (70.5, 40.5)
    )
    assert "swapped.csv came while bronze was at work" in said


def test_a_folder_that_is_no_sources_is_said(bronze):
    (first,), _, _, said = bronze
    assert first.detail["unknown_folders"] == ["Sensor_Logs"]
    assert "landing/Sensor_Logs is the folder of no source" in said


def test_a_file_that_was_written_to_after_it_was_read_is_said(bronze):
    (first,), _, (second,), said = bronze
    assert "changed" not in first.detail
    assert second.detail["changed"] == [f"arrived={NIGHT}/early.csv"]
    assert "early.csv had" in said


def test_what_a_killed_run_had_not_taken_back_is_taken_back_and_read_right_by_the_next(
    run, deliver, table, monkeypatch
):
    ingest, only = stage._ingest, frozenset({"sensor_logs"})

    def late(*given):
        deliver("sensor_logs", "swapped.csv", SWAPPED + log(3, 40.5, 70.5), NIGHT)
        return ingest(*given)

    def die(*_: object) -> None:
        raise JobError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(stage, "_ingest", late)
        patched.setattr(stage.late_files, "take_back", die)
        with pytest.raises(JobError):
            run("bronze", night=NIGHT, tables=only)
    run("bronze", night=NIGHT, tables=only)
    (row,) = table("bronze.sensor_logs").collect()
    assert (row.temperature, row.humidity) == (70.5, 40.5)
