"""Versions of tables: who made them, what they held, and putting them back."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jobs import schema, store, verify
from jobs.care import place
from jobs.care.difference import difference, key_of
from jobs.care.versions import versions
from jobs.main import main
from jobs.tables import GOLD, SILVER, TABLES

CLIMATE = GOLD["climate_hourly"]
FIFTH, SIXTH = date(2024, 3, 5), date(2024, 3, 6)


def hour(day: date, at: int, room: str, temperature: float) -> tuple:
    return (day, datetime(day.year, day.month, day.day, at, tzinfo=UTC), room, 10, temperature, 40.0)


@pytest.fixture
def publish(spark, lake):
    """Replace a night's slice of `gold.climate_hourly`, digest and all, as that night's run does."""

    def write(night: date, rows: list, run_id: str = "", slices: tuple = ()) -> None:
        settings = lake("publish", night=night, run_id=run_id or f"run-{night}")
        schema.ensure(spark, settings, [CLIMATE.full_name, "ops.digests"])
        these = slices or (night,)
        frame = spark.createDataFrame(rows, CLIMATE.columns)
        store.replace_where(settings, CLIMATE.full_name, frame, store.dates("event_date", these))
        found = store.digests(spark, settings, CLIMATE.full_name, these)
        store.record_digests(spark, settings, {CLIMATE.full_name: these}, found)

    return write


@pytest.fixture
def two_nights(publish):
    """Version 1: the 5th. Version 2: the 6th, whose run also restates the 5th: one row changed, one lost, two new."""
    publish(
        FIFTH,
        [hour(FIFTH, 1, "Room_A", 70.0), hour(FIFTH, 2, "Room_A", 71.0), hour(FIFTH, 3, "Room_B", 72.0)],
    )
    restated = [
        hour(FIFTH, 1, "Room_A", 70.0),
        hour(FIFTH, 2, "Room_A", 71.5),
        hour(FIFTH, 4, "Room_B", 73.0),
        hour(FIFTH, 5, "Room_B", 73.5),
    ]
    publish(SIXTH, [*restated, hour(SIXTH, 1, "Room_A", 60.0)], slices=(FIFTH, SIXTH))


@pytest.fixture
def care(lake, capsys):
    """Run a command of table care in the test's lake: exit status, output, complaint."""

    def command(*argv: str) -> tuple[int, str, str]:
        settings = lake("verify")
        capsys.readouterr()
        try:
            code = main([*argv, f"--home={settings.home}", f"--prefix={settings.prefix}"])
        except SystemExit as exit_:
            code = exit_.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


@pytest.fixture
def newest(spark, lake):
    return lambda table=CLIMATE: versions(spark, lake("verify"), table)[0].number


@pytest.fixture
def temperatures(table):
    def read() -> dict:
        rows = table("gold.climate_hourly").orderBy("hour", "location").collect()
        return {
            day: [row.avg_temperature_f for row in rows if row.event_date == day] for day in (FIFTH, SIXTH)
        }

    return read


def test_a_commit_says_which_run_of_which_night_made_it(care, two_nights):
    code, out, _ = care("history-of", "climate_hourly")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert [(line[0], line[-3:]) for line in lines[1:3]] == [
        ("2", ["2024-03-06", "publish", "run-2024-03-06"]),
        ("1", ["2024-03-05", "publish", "run-2024-03-05"]),
    ]
    assert lines[1][3:5] == ["WRITE", "5"] and lines[2][3:5] == ["WRITE", "3"]


def job_run(
    settings, started: datetime, ended: datetime, run_id: str, table: str = "silver.locations"
) -> tuple:
    return (run_id, settings.night, "silver", table, 1, "done", "{}", started, ended)


@pytest.mark.parametrize(("runs", "made_by"), [(["a"], "a"), (["a", "b"], None), ([], None)])
def test_a_merge_is_known_by_its_time_unless_runs_overlap(spark, lake, runs, made_by):
    settings, table = lake("silver"), SILVER["locations"]
    schema.ensure(spark, settings, [table.full_name, "ops.job_runs"])
    row = spark.createDataFrame([(1, "X", "Y", 1.0, 2.0, [], FIFTH)], table.columns)
    started = datetime.now(UTC)
    store.upsert(settings, table.full_name, row, ["location_id"])
    noted = [job_run(settings, started, datetime.now(UTC), run) for run in runs]
    long_ago = started - timedelta(days=2)
    noted.append(job_run(settings, long_ago, long_ago + timedelta(minutes=1), "another"))
    store.append(settings, "ops.job_runs", spark.createDataFrame(noted, TABLES["ops.job_runs"].columns))
    merged = versions(spark, settings, table)[0]
    assert (merged.operation, merged.rows, merged.run_id) == ("MERGE", 1, made_by)


def test_a_night_is_shown_as_its_own_run_left_it_and_not_as_later_ones_restated_it(care, two_nights):
    code, out, _ = care("as-of", "gold.climate_hourly", "--night", "2024-03-05")
    assert code == 0 and "as of version 1 " in out and "3 rows in 1 slices" in out
    assert "71.0" in out and "73.5" not in out
    _, out, _ = care(
        "as-of", "gold.climate_hourly", "--version", "2", "--night", "2024-03-05", "--limit", "2"
    )
    assert "4 rows in 1 slices" in out and "71.5" in out and "73.5" not in out, "two rows are shown"


def test_a_dry_run_says_what_would_change_and_changes_nothing(care, two_nights, newest, temperatures):
    before = newest(), temperatures()
    code, out, _ = care("restore", "climate_hourly", "--version", "1", "--dry-run")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["event_date", "added", "removed", "changed"] in lines
    assert ["2024-03-05", "1", "2", "1"] in lines and ["2024-03-06", "0", "1", "0"] in lines
    assert ["all", "1", "3", "1"] in lines
    assert (newest(), temperatures()) == before


def test_one_night_is_put_back_in_one_commit_and_the_others_stay(
    spark, lake, care, two_nights, newest, temperatures
):
    code, out, _ = care("restore", "climate_hourly", "--night", "2024-03-05")
    assert code == 0 and "--version 2" in out
    assert newest() == 3
    assert temperatures() == {FIFTH: [70.0, 71.0, 72.0], SIXTH: [60.0]}
    for night in (FIFTH, SIXTH):
        assert [r.detail["holds"] for r in verify._digests(spark, lake("verify", night=night))] == [True]


def test_a_whole_table_is_put_back_and_that_is_undone_again(
    spark, lake, care, two_nights, newest, temperatures
):
    before = temperatures()
    assert care("restore", "climate_hourly", "--version", "1")[0] == 0
    assert (newest(), temperatures()) == (3, {FIFTH: [70.0, 71.0, 72.0], SIXTH: []})
    assert verify._digests(spark, lake("verify", night=SIXTH)) == [], "a slice without rows has no digest"
    assert care("restore", "climate_hourly", "--version", "2")[0] == 0
    assert (newest(), temperatures()) == (4, before)
    assert all(r.detail["holds"] for r in verify._digests(spark, lake("verify", night=FIFTH)))


def test_a_restore_that_was_cut_off_before_its_digests_is_mended_by_repeating_it(
    spark, lake, care, two_nights, newest, table
):
    spark.sql(f"RESTORE TABLE {lake('verify').table('gold.climate_hourly')} TO VERSION AS OF 1").collect()
    assert [r.detail["holds"] for r in verify._digests(spark, lake("verify", night=FIFTH))] == [False]
    code, out, _ = care("restore", "climate_hourly", "--version", "1")
    assert code == 0 and "that is what it holds now" in out
    assert newest() == 3, "no second commit"
    assert [r.detail["holds"] for r in verify._digests(spark, lake("verify", night=FIFTH))] == [True]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["gold.climate_daily", "--version", "1"], "no table 'gold.climate_daily'"),
        (["readings", "--version", "1"], "bronze.readings or silver.readings"),
        (["climate_hourly; DROP TABLE x", "--version", "1"], "no table"),
        (["climate_hourly", "--version", "99"], "it has 0 to 2"),
        (["climate_hourly", "--version", "-1"], "whole number"),
        (["climate_hourly", "--night", "2024-03-04"], "2024-03-05, 2024-03-06"),
        (["climate_hourly", "--night", "5 March"], "YYYY-MM-DD"),
        (["climate_hourly"], "--version, --night or both"),
        (["ops.digests", "--version", "1"], "not put back"),
        (["staging.gold_climate_hourly", "--version", "1"], "under way"),
        (["gold.alerts", "--version", "1"], "there is no table"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_in_one_line_and_nothing_changes(care, two_nights, newest, argv, says):
    code, out, error = care("restore", *argv)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert says in error
    assert newest() == 2


def test_a_version_whose_files_vacuum_took_is_refused_in_one_line(
    care, two_nights, newest, connect_server, lake
):
    home = (
        Path(connect_server["LAKEHOUSE_HOME"])
        / "warehouse"
        / f"{lake('verify').prefix}gold.db/climate_hourly"
    )
    oldest = min(home.rglob("*.parquet"), key=lambda file: file.stat().st_mtime)
    oldest.unlink()
    code, _, error = care("restore", "climate_hourly", "--version", "1")
    assert (code, error.count("\n")) == (1, 1) and "no longer be read as of version 1" in error
    assert newest() == 2


def test_a_version_with_other_columns_than_the_catalog_is_refused(spark, lake, care, newest):
    settings = lake("publish")
    schema.ensure(spark, settings, ["gold.alerts"])
    name = settings.table("gold.climate_hourly")
    spark.sql(f"CREATE TABLE {name} (event_date DATE, hour TIMESTAMP) USING DELTA")
    code, _, error = care("restore", "climate_hourly", "--version", "0")
    assert code == 2 and "other columns" in error and newest() == 0


def location(number: int, name: str, night: date) -> tuple:
    return (number, name, "Rome", 1.0, 2.0, [], night)


@pytest.fixture
def locations(spark, lake):
    """Version 1: two sites of the 5th; 2: one of them has gone over to the 6th; 3: its name changed."""
    settings, table = lake("silver"), SILVER["locations"]
    schema.ensure(spark, settings, [table.full_name, "ops.row_accounts"])
    for rows in (
        [location(1, "A", FIFTH), location(2, "B", FIFTH)],
        [location(1, "A", FIFTH), location(2, "B", SIXTH)],
        [location(1, "A", FIFTH), location(2, "C", SIXTH)],
    ):
        store.overwrite(settings, table.full_name, spark.createDataFrame(rows, table.columns))
    now = datetime.now(UTC)
    accounts = [("locations", night, 1, 1, 1, 0, 0, True, True, "run", now) for night in (FIFTH, SIXTH)]
    frame = spark.createDataFrame(accounts, TABLES["ops.row_accounts"].columns)
    store.append(settings, "ops.row_accounts", frame)
    return table


def test_putting_silver_back_says_which_accounts_will_no_longer_hold(care, locations, newest):
    code, out, _ = care("restore", "silver.locations", "--version", "1")
    assert code == 0 and newest(locations) == 4
    assert "--night 2024-03-05 will say: account of locations does not hold (silver 2, recorded 1)" in out
    assert "--night 2024-03-06 will say: account of locations does not hold (silver 0, recorded 1)" in out


def test_putting_silver_back_to_as_many_rows_says_that_verify_holds(care, locations):
    code, out, _ = care("restore", "silver.locations", "--night", "2024-03-06", "--version", "2")
    assert code == 0 and "verify will hold" in out


def test_a_slice_with_keys_that_other_nights_hold_now_is_refused(care, locations, newest):
    code, _, error = care("restore", "silver.locations", "--night", "2024-03-05", "--version", "1")
    assert code == 2 and "1 rows of that slice are in other nights" in error
    assert newest(locations) == 3


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


def test_every_silver_and_gold_table_says_by_its_suite_what_its_key_is():
    assert key_of(CLIMATE) == ("location", "hour")
    assert [t.full_name for t in (*SILVER.values(), *GOLD.values()) if not key_of(t)] == []


def test_a_table_is_printed_with_numbers_to_the_right_and_nothing_a_terminal_would_obey():
    text = place.aligned(("name", "rows"), [("a\x1b[2J", 5), ("b" * 50, 12345), (None, None)])
    first, second, third, fourth = text.split("\n")
    assert first.endswith("  rows") and second.endswith("      5") and third.endswith("…  12,345")
    assert "\x1b" not in text and fourth == ""
