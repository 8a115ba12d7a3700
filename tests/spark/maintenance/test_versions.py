"""Versions of tables: who made them, what they held, and putting them back."""

import os
import time
from datetime import UTC, date, datetime, timedelta

import pytest

from catalog.tables import GOLD, SILVER, TABLES
from jobs.delta.frames import is_in
from jobs.delta.lake import Lake
from jobs.maintenance.difference import difference
from jobs.maintenance.versions import versions
from jobs.quality import verify
from tests.support.copied import copy_tables, folder_of

CLIMATE = GOLD["climate_hourly"]
FIFTH, SIXTH = date(2024, 3, 5), date(2024, 3, 6)


def hour(day: date, at: int, room: str, temperature: float) -> tuple:
    return (day, datetime(day.year, day.month, day.day, at, tzinfo=UTC), room, 10, temperature, 40.0)


@pytest.fixture(scope="module")
def two_nights(spark, module_lake):
    """Version 1: the 5th. Version 2: the 6th, whose run also restates the 5th: one row changed, one lost, two new.

    The lake with them; tests only read it.
    """

    def publish(night: date, rows: list, *slices: date) -> None:
        """Replace slices of `gold.climate_hourly`, digests and all, as the night's run does."""
        settings = module_lake("publish", night=night, run_id=f"run-{night}")
        Lake(spark, settings).ensure([CLIMATE.full_name, "ops.digests"])
        frame = spark.createDataFrame(rows, CLIMATE.columns)
        Lake(spark, settings).replace_where(CLIMATE.full_name, frame, is_in("event_date", slices))
        found = Lake(spark, settings).digests({CLIMATE.full_name: slices})
        Lake(spark, settings).record_digests({CLIMATE.full_name: slices}, found)

    publish(
        FIFTH,
        [hour(FIFTH, 1, "Room_A", 70.0), hour(FIFTH, 2, "Room_A", 71.0), hour(FIFTH, 3, "Room_B", 72.0)],
        FIFTH,
    )
    restated = [
        hour(FIFTH, 1, "Room_A", 70.0),
        hour(FIFTH, 2, "Room_A", 71.5),
        hour(FIFTH, 4, "Room_B", 73.0),
        hour(FIFTH, 5, "Room_B", 73.5),
    ]
    publish(SIXTH, [*restated, hour(SIXTH, 1, "Room_A", 60.0)], FIFTH, SIXTH)
    return module_lake


@pytest.fixture
def copied(spark, lake, two_nights):
    """A lake of the test's own with those two nights."""
    copy_tables(spark, two_nights, lake, CLIMATE.full_name, "ops.digests")
    return lake


@pytest.fixture
def newest(spark):
    return lambda lake, table=CLIMATE: versions(Lake(spark, lake("verify")), table)[0].number


@pytest.fixture
def temperatures(spark):
    def read(lake) -> dict:
        rows = Lake(spark, lake("verify")).read(CLIMATE.full_name).orderBy("hour", "location").collect()
        return {
            day: [row.avg_temperature_f for row in rows if row.event_date == day] for day in (FIFTH, SIXTH)
        }

    return read


def test_a_commit_says_which_run_of_which_night_made_it(command, two_nights):
    code, out, _ = command(two_nights, "history-of", "climate_hourly")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert [(line[0], line[-3:]) for line in lines[1:3]] == [
        ("2", ["2024-03-06", "publish", "run-2024-03-06"]),
        ("1", ["2024-03-05", "publish", "run-2024-03-05"]),
    ]
    assert lines[1][3:5] == ["WRITE", "5"] and lines[2][3:5] == ["WRITE", "3"]


def test_a_night_is_shown_as_its_own_run_left_it_and_not_as_later_ones_restated_it(command, two_nights):
    code, out, _ = command(two_nights, "as-of", "gold.climate_hourly", "--night", "2024-03-05")
    assert code == 0 and "as of version 1 " in out and "3 rows in 1 slices" in out
    assert "71.0" in out and "73.5" not in out
    _, out, _ = command(
        two_nights, "as-of", "gold.climate_hourly", "--version", "2", "--night", "2024-03-05", "--limit", "2"
    )
    assert "4 rows in 1 slices" in out and "71.5" in out and "73.5" not in out, "two rows are shown"


def test_a_dry_run_says_what_would_change_and_changes_nothing(command, two_nights, newest, temperatures):
    before = newest(two_nights), temperatures(two_nights)
    code, out, _ = command(two_nights, "restore", "climate_hourly", "--version", "1", "--dry-run")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["event_date", "added", "removed", "changed"] in lines
    assert ["2024-03-05", "1", "2", "1"] in lines and ["2024-03-06", "0", "1", "0"] in lines
    assert ["all", "1", "3", "1"] in lines
    assert (newest(two_nights), temperatures(two_nights)) == before


def test_one_night_is_put_back_in_one_commit_and_the_others_stay(
    spark, command, copied, newest, temperatures
):
    code, out, _ = command(copied, "restore", "climate_hourly", "--night", "2024-03-05")
    assert code == 0 and "--version 2" in out
    assert newest(copied) == 3
    assert temperatures(copied) == {FIFTH: [70.0, 71.0, 72.0], SIXTH: [60.0]}
    for night in (FIFTH, SIXTH):
        assert [r.detail["holds"] for r in verify._digests(Lake(spark, copied("verify", night=night)))] == [
            True
        ]


def test_a_whole_table_is_put_back_and_that_is_undone_again(spark, command, copied, newest, temperatures):
    before = temperatures(copied)
    assert command(copied, "restore", "climate_hourly", "--version", "1")[0] == 0
    assert (newest(copied), temperatures(copied)) == (3, {FIFTH: [70.0, 71.0, 72.0], SIXTH: []})
    assert verify._digests(Lake(spark, copied("verify", night=SIXTH))) == [], (
        "a slice without rows has no digest"
    )
    assert command(copied, "restore", "climate_hourly", "--version", "2")[0] == 0
    assert (newest(copied), temperatures(copied)) == (4, before)
    assert all(r.detail["holds"] for r in verify._digests(Lake(spark, copied("verify", night=FIFTH))))


def test_a_restore_that_was_cut_off_before_its_digests_is_mended_by_repeating_it(
    spark, command, copied, newest
):
    spark.sql(f"RESTORE TABLE {copied('verify').table('gold.climate_hourly')} TO VERSION AS OF 1").collect()
    assert [r.detail["holds"] for r in verify._digests(Lake(spark, copied("verify", night=FIFTH)))] == [False]
    code, out, _ = command(copied, "restore", "climate_hourly", "--version", "1")
    assert code == 0 and "that is what it holds now" in out
    assert newest(copied) == 3, "no second commit"
    assert [r.detail["holds"] for r in verify._digests(Lake(spark, copied("verify", night=FIFTH)))] == [True]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["climate_hourly", "--version", "99"], "it has 0 to 2"),
        (["climate_hourly", "--night", "2024-03-04"], "2024-03-05, 2024-03-06"),
        (["gold.alerts", "--version", "1"], "there is no table"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_in_one_line_and_nothing_changes(
    command, two_nights, newest, argv, says
):
    code, out, error = command(two_nights, "restore", *argv)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert says in error
    assert newest(two_nights) == 2


def test_a_version_whose_files_vacuum_took_is_refused_in_one_line(command, copied, newest):
    files = folder_of(copied, CLIMATE.full_name).rglob("*.parquet")
    min(files, key=lambda file: file.stat().st_mtime_ns).unlink()
    code, _, error = command(copied, "restore", "climate_hourly", "--version", "1")
    assert (code, error.count("\n")) == (1, 1) and "no longer be read as of version 1" in error
    assert newest(copied) == 2


def test_a_version_with_other_columns_than_the_catalog_is_refused(spark, command, two_nights, newest):
    table = GOLD["site_events"]
    name = two_nights("publish").table(table.full_name)
    spark.sql(f"CREATE TABLE {name} (event_date DATE, hour TIMESTAMP) USING DELTA")
    code, _, error = command(two_nights, "restore", table.full_name, "--version", "0")
    assert code == 2 and "other columns" in error and newest(two_nights, table) == 0


def location(number: int, name: str, night: date) -> tuple:
    return (number, name, "Rome", 1.0, 2.0, [], night)


LOCATIONS = SILVER["locations"]


@pytest.fixture(scope="module")
def three_versions(spark, module_lake):
    """Version 1: two sites of the 5th; 2: one of them has gone over to the 6th; 3: its name changed.

    The lake with them; tests only read it.
    """
    settings = module_lake("silver")
    Lake(spark, settings).ensure([LOCATIONS.full_name, "ops.row_accounts"])
    for rows in (
        [location(1, "A", FIFTH), location(2, "B", FIFTH)],
        [location(1, "A", FIFTH), location(2, "B", SIXTH)],
        [location(1, "A", FIFTH), location(2, "C", SIXTH)],
    ):
        Lake(spark, settings).overwrite(LOCATIONS.full_name, spark.createDataFrame(rows, LOCATIONS.columns))
    now = datetime.now(UTC)
    accounts = [
        ("locations", night, 1, 1, 1, 0, 0, 0, None, True, False, True, True, "run", now)
        for night in (FIFTH, SIXTH)
    ]
    frame = spark.createDataFrame(accounts, TABLES["ops.row_accounts"].columns)
    Lake(spark, settings).append("ops.row_accounts", frame)
    return module_lake


@pytest.fixture
def locations(spark, lake, three_versions):
    """A lake of the test's own with those versions."""
    copy_tables(spark, three_versions, lake, LOCATIONS.full_name, "ops.row_accounts")
    return lake


def test_putting_silver_back_says_which_accounts_will_no_longer_hold(command, locations, newest):
    code, out, _ = command(locations, "restore", "silver.locations", "--version", "1")
    assert code == 0 and newest(locations, LOCATIONS) == 4
    assert "--night 2024-03-05 will say: account of locations does not hold (silver 2, recorded 1)" in out
    assert "--night 2024-03-06 will say: account of locations does not hold (silver 0, recorded 1)" in out


def test_putting_silver_back_to_as_many_rows_says_that_verify_holds(command, locations):
    argv = ("restore", "silver.locations", "--night", "2024-03-06", "--version", "2")
    code, out, _ = command(locations, *argv)
    assert code == 0 and "verify will hold" in out


def test_a_slice_with_keys_that_other_nights_hold_now_is_refused(command, three_versions, newest):
    argv = ("restore", "silver.locations", "--night", "2024-03-05", "--version", "1")
    code, _, error = command(three_versions, *argv)
    assert code == 2 and "1 rows of that slice are in other nights" in error
    assert newest(three_versions, LOCATIONS) == 3


def test_a_row_counts_as_changed_when_its_key_stays_and_its_values_do_not(spark):
    then = spark.createDataFrame(
        [location(1, "A", FIFTH), location(2, "B", FIFTH)], SILVER["locations"].columns
    )
    now = spark.createDataFrame(
        [location(1, "Z", FIFTH), location(3, "C", SIXTH)], SILVER["locations"].columns
    )
    rows = difference(now, then, SILVER["locations"], ["location_id"]).orderBy("slice").collect()
    assert [tuple(row) for row in rows] == [(FIFTH, 1, 0, 1), (SIXTH, 0, 1, 0)]
    rows = difference(now, then, SILVER["locations"], []).orderBy("slice").collect()
    assert [tuple(row) for row in rows] == [(FIFTH, 2, 1, 0), (SIXTH, 0, 1, 0)], "without a key"


@pytest.mark.parametrize("command_line", ["as-of", "restore", "restore --dry-run"])
def test_a_version_that_is_no_longer_kept_is_refused_in_one_line(
    spark, command, copied, newest, command_line
):
    name = copied("verify").table(CLIMATE.full_name)
    kept = "'delta.deletedFileRetentionDuration' = 'interval 1 second'"
    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ({kept})")
    time.sleep(1.5)
    before = newest(copied)
    asked, *options = command_line.split()
    code, _, complaint = command(copied, asked, "climate_hourly", "--version", "1", *options)
    assert (code, complaint.count("\n")) == (1, 1)
    assert "older than versions of this table are kept" in complaint
    assert newest(copied) == before


def test_versions_that_are_no_longer_kept_are_named(spark, command, locations):
    """By the log's own times, as Delta goes by; the newest version is the table, and kept however old it is."""
    log = folder_of(locations, LOCATIONS.full_name) / "_delta_log"

    def age(*days: int) -> None:
        for number, each in enumerate(days):
            moment = time.time() - timedelta(each).total_seconds()
            os.utime(log / f"{number:020}.json", (moment, moment))

    def said() -> str:
        code, out, _ = command(locations, "history-of", "silver.locations", "--limit", "1")
        assert code == 0
        return out

    assert "kept" not in said()
    age(20, 10, 9, 8)
    assert "versions before 3 are no longer kept" in said()
    assert command(locations, "as-of", "silver.locations", "--version", "3")[0] == 0
    age(20, 10, 5, 4)
    assert "versions before 2 are no longer kept: the table keeps them for 7 days" in said()
    status = [
        command(locations, "as-of", "silver.locations", "--version", number)[0] for number in ("1", "2", "3")
    ]
    assert status == [1, 0, 0]
    kept = "'delta.deletedFileRetentionDuration' = 'interval 14 days'"
    spark.sql(f"ALTER TABLE {locations('verify').table(LOCATIONS.full_name)} SET TBLPROPERTIES ({kept})")
    assert "versions before 1 are no longer kept: the table keeps them for 14 days" in said()
