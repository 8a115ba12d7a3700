"""Weekly care: fewer files, the same rows; old pages go, a night's own stay."""

import json
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from jobs import cli, maintain, schema, store
from jobs.care.old_pages import remove_old_pages
from jobs.care.versions import rows_at, versions
from jobs.main import main
from jobs.tables import TABLES, columns_of

NIGHT = date(2024, 3, 5)
RUNS = TABLES["ops.job_runs"]
LOCATIONS = TABLES["silver.locations"]


def site(number: int, night: date = NIGHT) -> tuple:
    return (number, f"Site {number}", "Rome", 1.0, 2.0, [], night)


@pytest.fixture
def settings(lake):
    return lake("maintain", night=NIGHT)


@pytest.fixture
def add_sites(spark, settings):
    """Append sites, each call one file more."""

    def add(*numbers: int) -> None:
        schema.ensure(spark, settings, [LOCATIONS.full_name])
        rows = spark.createDataFrame([site(number) for number in numbers], LOCATIONS.columns).coalesce(1)
        store.append(settings, LOCATIONS.full_name, rows)

    return add


@pytest.fixture
def files(spark, settings):
    return lambda table: spark.sql(f"DESCRIBE DETAIL {settings.table(table.full_name)}").collect()[0].numFiles


@pytest.fixture
def folder(connect_server, settings):
    return Path(connect_server["LAKEHOUSE_HOME"]) / "warehouse" / f"{settings.prefix}silver.db/locations"


def test_small_files_become_one_and_rows_and_digests_stay(spark, settings, add_sites, files):
    for number in range(4):
        add_sites(number)
    before = store.digests(spark, settings, LOCATIONS.full_name)
    assert files(LOCATIONS) == 4
    (result,) = [r for r in maintain.run(spark, settings) if r.table == LOCATIONS.full_name]
    assert (result.rows, result.detail["files_before"], files(LOCATIONS)) == (4, 4, 1)
    assert store.digests(spark, settings, LOCATIONS.full_name) == before


def test_done_again_it_does_nothing(spark, settings, add_sites):
    for number in range(3):
        add_sites(number)
    maintain.run(spark, settings)
    results = maintain.run(spark, settings)
    assert [result.rows for result in results] == [0] * len(results)
    operations = [version.operation for version in versions(spark, settings, LOCATIONS)]
    assert operations.count("OPTIMIZE") == 1


def test_a_clustered_table_is_clustered(spark, settings, add_sites):
    for number in range(3):
        add_sites(number)
    spark.sql(f"ALTER TABLE {settings.table(LOCATIONS.full_name)} CLUSTER BY (location_id)")
    add_sites(4)
    (result,) = [r for r in maintain.run(spark, settings) if r.table == LOCATIONS.full_name]
    assert result.rows > 0 and result.detail["clustered_by"] == ["location_id"]
    log = spark.sql(f"DESCRIBE HISTORY {settings.table(LOCATIONS.full_name)}").where("operation = 'OPTIMIZE'")
    assert "location_id" in log.collect()[0].operationParameters["clusterBy"]
    assert spark.table(settings.table(LOCATIONS.full_name)).count() == 4


def test_days_in_several_files_are_ordered_by_what_people_look_up_and_the_others_are_left(
    spark, settings, files
):
    readings = TABLES["silver.readings"]
    schema.ensure(spark, settings, [readings.full_name])

    def add(day: int, devices: Iterable[int]) -> None:
        rows = spark.createDataFrame(
            [(device, datetime(2024, 3, day, 12, tzinfo=UTC)) for device in devices],
            "device_id BIGINT, timestamp TIMESTAMP",
        )
        others = {name: F.lit(None).cast(kind) for name, kind in columns_of(readings.columns).items()}
        rows = rows.withColumns(
            {
                **others,
                "device_id": F.col("device_id"),
                "timestamp": F.col("timestamp"),
                "event_date": F.to_date("timestamp"),
            }
        )
        store.append(settings, readings.full_name, rows.select(*readings.column_names).coalesce(1))

    add(4, range(10))
    for odd_or_even in (0, 1):
        add(5, range(odd_or_even, 100, 2))
    (result,) = [r for r in maintain.run(spark, settings) if r.table == readings.full_name]
    assert (result.rows, result.detail["zordered_by"], files(readings)) == (2, ["device_id"], 2)
    log = spark.sql(f"DESCRIBE HISTORY {settings.table(readings.full_name)}").where("operation = 'OPTIMIZE'")
    assert "device_id" in log.collect()[0].operationParameters["zOrderBy"]
    assert [r.rows for r in maintain.run(spark, settings) if r.table == readings.full_name] == [0]
    assert log.count() == 1


def test_what_a_killed_job_left_goes_after_a_week_and_older_versions_stay_readable(
    spark, settings, add_sites, folder
):
    add_sites(1)
    add_sites(2)
    for name, days in (("old", 8), ("young", 6)):
        (folder / f"{name}.parquet").write_bytes(b"half a file")
        moment = time.time() - timedelta(days).total_seconds()
        os.utime(folder / f"{name}.parquet", (moment, moment))
    maintain.run(spark, settings)
    assert not (folder / "old.parquet").exists() and (folder / "young.parquet").exists()
    first = versions(spark, settings, LOCATIONS)[-2]
    assert [row.location_id for row in rows_at(spark, settings, LOCATIONS, first).collect()] == [1]


def test_a_job_that_writes_meanwhile_loses_nothing(spark, settings, add_sites, table):
    """Both replace the same files all the time. Whoever comes second fails cleanly, and is tried again."""
    add_sites(0)
    add_sites(0)

    def write(number: int) -> int:
        """Replace the one night's rows by so many; give how often that took another attempt."""
        rows = spark.createDataFrame([site(each) for each in range(number)], LOCATIONS.columns).repartition(3)
        for failures in range(10):
            try:
                store.replace_where(settings, LOCATIONS.full_name, rows, store.dates("_night", [NIGHT]))
                return failures
            except PySparkException as error:
                assert "DELTA_CONCURRENT" in str(error), error
        raise AssertionError("ten conflicts in a row")

    def tend() -> None:
        for _ in range(4):
            try:
                maintain._tend(spark, settings, LOCATIONS)
            except PySparkException as error:
                assert "DELTA_CONCURRENT" in str(error), error

    with ThreadPoolExecutor(2) as pool:
        tending = pool.submit(tend)
        for number in range(10, 16):
            write(number)
        tending.result()
    assert sorted(row.location_id for row in table("silver.locations").collect()) == list(range(15))


def test_a_table_that_cannot_be_tended_is_named_and_the_others_are(spark, settings, add_sites, files):
    for number in range(2):
        add_sites(number)
    schema.ensure(spark, settings, ["gold.alerts", "gold.climate_hourly"])
    spark.sql(f"DROP TABLE {settings.table('gold.alerts')}")
    spark.sql(f"CREATE TABLE {settings.table('gold.alerts')} (x INT) USING parquet")
    with pytest.raises(maintain.JobError, match=r"1 of 3 tables were not tended: gold\.alerts"):
        maintain.run(spark, settings)
    assert files(LOCATIONS) == 1


def test_the_command_compacts_what_the_jobs_leave_in_ops(spark, settings, files):
    now = datetime.now(UTC)
    schema.ensure(spark, settings, [RUNS.full_name])
    for run in ("a", "b", "c"):
        row = (run, NIGHT, "silver", "silver.locations", 1, "done", "{}", now, now)
        store.append(settings, RUNS.full_name, spark.createDataFrame([row], RUNS.columns))
    argv = ["maintain", "--run-id=weekly", f"--home={settings.home}", f"--prefix={settings.prefix}"]
    assert main(argv) == 0
    note = json.loads((settings.docs / "runs/weekly/maintain.json").read_text())
    assert (
        note["status"] == "done"
        and {"table": "data docs", "rows": 0, "detail": {"runs": []}} in note["tables"]
    )
    merged = {each["table"]: each["rows"] for each in note["tables"]}
    assert merged["ops.job_runs"] == 3


@pytest.mark.parametrize("days", ["6", "0", "-1", "7.5", "a week"])
def test_fewer_than_seven_days_are_refused_in_one_line(capsys, days):
    with pytest.raises(SystemExit) as exit_:
        cli.parse(["maintain", f"--vacuum-days={days}"])
    error = capsys.readouterr().err
    assert exit_.value.code == 2 and error.count("\n") == 1 and "days" in error


def leave(docs: Path, run_id: str, stage: str, night: str, ended: datetime) -> None:
    folder = docs / "runs" / run_id
    folder.mkdir(parents=True, exist_ok=True)
    note = {"stage": stage, "night": night, "ended_at": ended.isoformat()}
    (folder / f"{stage}.json").write_text(json.dumps(note))
    for root in (
        docs / "expectations/validations",
        docs.parent / "great_expectations/uncommitted/validations",
    ):
        (root / "gold/alerts" / run_id / "t").mkdir(parents=True, exist_ok=True)


def kept(docs: Path) -> list[set[str]]:
    roots = (docs / "runs", docs / "expectations/validations/gold/alerts")
    results = docs.parent / "great_expectations/uncommitted/validations/gold/alerts"
    return [{path.name for path in root.iterdir()} for root in (*roots, results)]


def test_pages_of_runs_that_ended_long_ago_go_but_not_those_of_a_nights_own_run(lake):
    settings, now = lake("maintain"), datetime.now(UTC)
    docs, old = settings.docs, now - timedelta(40)
    leave(docs, "first-try", "report", "2024-03-05", old)
    leave(docs, "published", "report", "2024-03-05", old + timedelta(hours=1))
    leave(docs, "broken", "check_silver", "2024-03-06", old)
    leave(docs, "long", "generate", "2024-03-07", old)
    leave(docs, "long", "report", "2024-03-07", now)
    leave(docs, "young", "check_silver", "2024-03-08", now - timedelta(29))
    assert remove_old_pages(settings, now - timedelta(30)) == ["broken", "first-try"]
    assert kept(docs) == [{"published", "long", "young"}] * 3
    assert remove_old_pages(settings, now - timedelta(30)) == []


def test_a_lake_without_pages_has_none_to_remove(lake):
    assert remove_old_pages(lake("maintain"), datetime.now(UTC)) == []
