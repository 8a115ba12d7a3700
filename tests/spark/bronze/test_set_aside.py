"""What the landing zone sets aside does not stop bronze."""

import gzip
from datetime import date
from pathlib import Path

import pytest

from jobs.bronze import stage
from jobs.errors import JobError

FIFTH, SIXTH = date(2024, 3, 5), date(2024, 3, 6)
HEADER = "sensor_id,timestamp,temperature,humidity,location\n"
RECORD = "1001,2025-05-01 01:00:00,72.4,41.2,Room_A\n"
SWAPPED = "sensor_id,timestamp,humidity,temp,location\n1001,2025-05-01 01:00:00,41.2,72.4,Room_A\n"


def test_bronze_reads_on_past_what_it_sets_aside_and_says_so(run, deliver, lake, table, tmp_path):
    """The second night brings a cut file under a name of the first, the third nothing."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.csv").write_text(HEADER + RECORD)
    only = frozenset({"sensor_logs", "locations"})
    whole = gzip.compress((HEADER + RECORD * 500).encode())
    for name in ("logs.csv.gz", "a b%20ä.csv.gz", "plain %41.csv"):
        deliver("sensor_logs", name, whole if name.endswith("gz") else HEADER + RECORD, night=FIFTH)
    run("bronze", night=FIFTH, tables=only)
    first = lake("bronze").landing / "sensor_logs/arrived=2024-03-05"
    for file in first.glob("*.csv*"):
        # Files of reconciled nights are not opened again, whatever their names: nobody notices this.
        file.write_bytes(SWAPPED.encode())
    deliver("sensor_logs", "logs.csv.gz", whole[: len(whole) // 2], night=SIXTH)
    deliver("sensor_logs", "swapped.csv", SWAPPED)
    deliver("locations", "sites.json.zst", b"\x28\xb5\x2f\xfd")
    (first.parent / "link.csv").symlink_to(elsewhere / "secret.csv")
    (first.parent / "arrived=2024-03-04").symlink_to(elsewhere)
    for night in (SIXTH, date(2024, 3, 7)):
        run("bronze", night=night, tables=only)
    rejected = {Path(row.file).name: row for row in table("ops.rejected_files").collect()}
    assert rejected.keys() == {
        *("logs.csv.gz", "swapped.csv", "sites.json.zst", "link.csv", "arrived=2024-03-04")
    }
    assert all(row.night == SIXTH and Path(row.file).parent.name == "_rejected" for row in rejected.values())
    assert rejected["logs.csv.gz"].bytes == len(whole) // 2
    assert table("bronze.sensor_logs").count() == 2 * 500 + 1
    assert table("bronze.locations").count() == 0


def test_what_a_run_set_aside_that_ended_before_it_was_listed_is_listed_by_the_next(
    run, deliver, table, monkeypatch
):
    def die(*_: object) -> None:
        raise JobError("Spark is gone")

    only = frozenset({"sensor_logs"})
    deliver("sensor_logs", "swapped.csv", SWAPPED)
    with monkeypatch.context() as patched:
        patched.setattr(stage.rejected, "record", lambda _, files: die() if any(files.values()) else None)
        with pytest.raises(JobError):
            run("bronze", night=FIFTH, tables=only)
    for _ in range(2):
        run("bronze", night=FIFTH, tables=only)
    (row,) = table("ops.rejected_files").collect()
    assert "has temp and lacks temperature" in row.reason and Path(row.file).exists()


def test_a_file_that_grows_in_the_folder_of_a_day_that_there_is_not_is_read_once_it_is_complete(
    run, deliver, table, monkeypatch
):
    only = frozenset({"sensor_logs"})
    upload = deliver("sensor_logs", "arrived=2025-02-29/part.csv", HEADER + RECORD)
    with monkeypatch.context() as patched:
        patched.setattr(stage.uploads, "growing", lambda _: frozenset({upload}))
        run("bronze", night=FIFTH, tables=only)
    assert table("bronze.sensor_logs").count() == 0
    for name in ("bronze", "silver"):
        run(name, night=FIFTH, tables=only)
    (row,) = table("bronze.sensor_logs").collect()
    assert row._night is not None
