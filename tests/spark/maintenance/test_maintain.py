"""Weekly maintenance: fewer files, the same rows; old pages go, a night's own stay."""

import json
import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from catalog.columns import columns_of
from catalog.tables import TABLES, Table
from jobs.cli import parser
from jobs.delta.digests import Digest
from jobs.delta.lake import Lake
from jobs.iceberg import catalogs
from jobs.iceberg.copies import Original, bring_up_to_date
from jobs.main import main
from jobs.maintenance import stage as maintain
from jobs.maintenance.old_pages import remove_old_pages
from jobs.maintenance.versions import rows_at, versions
from jobs.outcome import TableResult
from jobs.settings import Settings
from jobs.state import listed_validations
from jobs.state.listed_validations import ListedValidation
from tests.support import run_results
from tests.support.copied import folder_of

NIGHT = date(2024, 3, 5)
RUNS = TABLES["ops.job_runs"]
LOCATIONS = TABLES["silver.locations"]
READINGS = TABLES["silver.readings"]
DEVICES = TABLES["silver.device_registry"]


def site(number: int, night: date = NIGHT) -> tuple:
    return (number, f"Site {number}", "Rome", 1.0, 2.0, [], night)


def add_sites(spark, settings, *numbers: int, files: int = 1) -> None:
    """Append sites in one commit, to so many files."""
    Lake(spark, settings).ensure([LOCATIONS.full_name])
    rows = spark.createDataFrame([site(number) for number in numbers], LOCATIONS.columns)
    Lake(spark, settings).append(LOCATIONS.full_name, rows.repartition(files))


def add(spark, settings, table: Table, rows: Sequence[tuple], columns: str, files: int = 1) -> None:
    """Append rows of which only some columns are given, in one commit, to so many files of each day."""
    given = spark.createDataFrame(rows, columns)
    others = {
        name: F.lit(None).cast(kind)
        for name, kind in columns_of(table.columns).items()
        if name not in given.columns
    }
    Lake(spark, settings).append(table.full_name, given.withColumns(others).repartition(files))


@pytest.fixture(scope="module")
def files(spark):
    """In how many files a table lies."""

    def of(settings, table: Table) -> int:
        return spark.sql(f"DESCRIBE DETAIL {settings.table(table.full_name)}").collect()[0].numFiles

    return of


def optimized(spark, settings, table: Table):
    """What the log says of how the table was optimized, each time."""
    log = spark.sql(f"DESCRIBE HISTORY {settings.table(table.full_name)}").where("operation = 'OPTIMIZE'")
    return [row.operationParameters for row in log.collect()]


def readings(day: int, devices: Iterable[int]) -> list[tuple]:
    return [(device, datetime(2024, 3, day, 12, tzinfo=UTC), date(2024, 3, day)) for device in devices]


@pytest.fixture(scope="module")
def lake_to_maintain(spark, module_lake):
    """Small files of every sort, and two that no commit knows: one of eight days, one of six."""
    settings = module_lake("maintain", night=NIGHT)
    add_sites(spark, settings, 1)
    add_sites(spark, settings, 2, 3, 4, files=3)
    for name, days in (("old", 8), ("young", 6)):
        file = folder_of(module_lake, LOCATIONS.full_name) / f"{name}.parquet"
        file.write_bytes(b"half a file")
        moment = time.time() - timedelta(days).total_seconds()
        os.utime(file, (moment, moment))

    Lake(spark, settings).ensure([READINGS.full_name, DEVICES.full_name, RUNS.full_name])
    add(spark, settings, DEVICES, [(1,), (2,), (3,)], "device_id BIGINT", files=3)
    spark.sql(f"ALTER TABLE {settings.table(DEVICES.full_name)} CLUSTER BY (device_id)")
    add(spark, settings, DEVICES, [(4,)], "device_id BIGINT")

    # As earlier versions staged rows, and as a user of the schema might.
    spark.sql(f"CREATE SCHEMA {settings.schema('staging')}")
    for name in ("gold_climate_hourly", "judged_events", "mine"):
        spark.sql(f"CREATE TABLE {settings.schema('staging')}.`{name}` USING DELTA AS SELECT 1 AS x")

    columns = "device_id BIGINT, timestamp TIMESTAMP, event_date DATE"
    add(spark, settings, READINGS, [*readings(4, range(10)), *readings(5, range(0, 100, 2))], columns)
    add(spark, settings, READINGS, readings(5, range(1, 100, 2)), columns)

    now = datetime.now(UTC)
    runs = [(run, NIGHT, "silver", LOCATIONS.full_name, 1, "done", "{}", now, now) for run in "abc"]
    Lake(spark, settings).append(RUNS.full_name, spark.createDataFrame(runs, RUNS.columns).repartition(3))
    for version in ("first", "second", "third"):
        copy_to_iceberg(settings, version)
    return settings


def copy_to_iceberg(settings, version: str) -> None:
    """Leave a version of a copy of `gold.alerts`, which has one row."""
    rows = pa.table({"event_date": pa.array([NIGHT], pa.date32()), "kind": [version]})
    digests = {NIGHT: Digest("gold.alerts", NIGHT, 1, version)}
    original = Original("event_date", digests, lambda days: rows.slice(0, len(days)), "", {})
    catalog = catalogs.load(catalogs.SQLITE, settings.home)
    bring_up_to_date(catalog, f"{settings.prefix}gold.alerts", original)


@dataclass
class Maintained:
    """A lake that was maintained by the command, and once more; tests only read it."""

    settings: Settings
    before: list[Digest]
    status: int
    run_result: dict
    files: dict[str, int]  # after the first time
    again: list[TableResult]

    def result(self, table: Table) -> tuple[int, dict]:
        """Files merged the first time, and its row in the run result."""
        (found,) = [each for each in self.run_result["tables"] if each["table"] == table.full_name]
        return found["rows"], found["detail"]


@pytest.fixture(scope="module")
def maintained(spark, lake_to_maintain, files):
    settings = lake_to_maintain
    before = Lake(spark, settings).digests({LOCATIONS.full_name: None})
    argv = ["maintain", "--run-id=weekly", f"--home={settings.home}", f"--prefix={settings.prefix}"]
    status = main(argv)
    run_result = json.loads((settings.docs / "runs/weekly/maintain.json").read_text())
    left = {table.full_name: files(settings, table) for table in (LOCATIONS, READINGS)}
    return Maintained(settings, before, status, run_result, left, maintain.run(Lake(spark, settings)))


def test_small_files_become_one_and_rows_and_digests_stay(spark, maintained):
    rows, detail = maintained.result(LOCATIONS)
    assert (rows, detail["files_before"], maintained.files[LOCATIONS.full_name]) == (4, 4, 1)
    assert Lake(spark, maintained.settings).digests({LOCATIONS.full_name: None}) == maintained.before


def test_tables_in_which_earlier_versions_staged_rows_are_dropped(spark, maintained):
    # The views of the session are shown, too, whichever test has made them.
    shown = spark.sql(f"SHOW TABLES IN {maintained.settings.schema('staging')}").where("NOT isTemporary")
    assert {row.tableName for row in shown.collect()} == {"mine"}


def test_copies_in_iceberg_are_maintained_too_and_no_row_changes(maintained):
    settings = maintained.settings
    table = catalogs.load(catalogs.SQLITE, settings.home).load_table(f"{settings.prefix}gold.alerts")
    assert table.scan().to_arrow()["kind"].to_pylist() == ["third"]
    # One of what came and one of what went for each version; the second time found nothing to merge.
    assert len(table.current_snapshot().manifests(table.io)) == 1 and len(table.snapshots()) == 3 + 1


def test_done_again_it_does_nothing(spark, maintained):
    merged = {result.table: result.rows for result in maintained.again}
    assert merged.pop(RUNS.full_name) > 1, "the first run's own rows had come to the one file"
    assert merged == {
        name: 0 for name in (LOCATIONS.full_name, READINGS.full_name, DEVICES.full_name, "data docs")
    }
    operations = [version.operation for version in versions(Lake(spark, maintained.settings), LOCATIONS)]
    assert operations.count("OPTIMIZE") == 1


def test_a_clustered_table_is_clustered(spark, maintained):
    rows, detail = maintained.result(DEVICES)
    assert rows > 0 and detail["clustered_by"] == ["device_id"]
    (parameters,) = optimized(spark, maintained.settings, DEVICES)
    assert "device_id" in parameters["clusterBy"]
    assert Lake(spark, maintained.settings).read(DEVICES.full_name).count() == 4


def test_days_in_several_files_are_ordered_by_what_people_look_up_and_the_others_are_left(spark, maintained):
    rows, detail = maintained.result(READINGS)
    assert (rows, detail["zordered_by"], maintained.files[READINGS.full_name]) == (2, ["device_id"], 2)
    assert [result.rows for result in maintained.again if result.table == READINGS.full_name] == [0]
    (parameters,) = optimized(spark, maintained.settings, READINGS)
    assert "device_id" in parameters["zOrderBy"]


def test_what_a_killed_job_left_goes_after_a_week_and_older_versions_stay_readable(
    spark, maintained, module_lake
):
    folder = folder_of(module_lake, LOCATIONS.full_name)
    assert not (folder / "old.parquet").exists() and (folder / "young.parquet").exists()
    first = versions(Lake(spark, maintained.settings), LOCATIONS)[-2]
    assert [
        row.location_id for row in rows_at(Lake(spark, maintained.settings), LOCATIONS, first).collect()
    ] == [1]


def test_versions_are_kept_for_as_long_as_the_form_says(spark, lake, module_lake):
    """By Delta's own properties, since its VACUUM does not listen to RETAIN."""
    settings = lake("maintain", vacuum_days=90)
    add_sites(spark, settings, 0, 1, files=1)
    name = settings.table(LOCATIONS.full_name)

    def kept() -> set[str]:
        rows = spark.sql(f"SHOW TBLPROPERTIES {name}").where("key LIKE '%RetentionDuration'").collect()
        return {f"{row.key}={row.value}" for row in rows}

    maintain.run(Lake(spark, settings))
    assert kept() == {
        "delta.deletedFileRetentionDuration=interval 90 days",
        "delta.logRetentionDuration=interval 90 days",
    }
    version = spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").first().version
    maintain.run(Lake(spark, settings))
    assert (
        spark.sql(f"DESCRIBE HISTORY {name}").where(f"version > {version} AND operation LIKE 'SET%'").count()
        == 0
    )


def test_a_job_that_writes_meanwhile_loses_nothing(spark, lake):
    """Both replace the same files all the time. Whoever comes second fails cleanly, and is tried again."""
    settings = lake("maintain")
    add_sites(spark, settings, 0, 0, files=2)

    def write(number: int) -> int:
        """Replace the one night's rows by so many; give how often that took another attempt."""
        rows = spark.createDataFrame([site(each) for each in range(number)], LOCATIONS.columns).repartition(3)
        for failures in range(10):
            try:
                Lake(spark, settings).replace_where(LOCATIONS.full_name, rows, F.col("_night") == NIGHT)
                return failures
            except PySparkException as error:
                # How long versions are kept is part of the metadata, which the first run sets.
                if not any(sign in str(error) for sign in ("DELTA_CONCURRENT", "DELTA_METADATA_CHANGED")):
                    raise
        raise AssertionError("ten conflicts in a row")

    def tend() -> None:
        for _ in range(3):
            try:
                maintain._maintain(Lake(spark, settings), LOCATIONS)
            except PySparkException as error:
                if "DELTA_CONCURRENT" not in str(error):
                    raise

    with ThreadPoolExecutor(2) as pool:
        tending = pool.submit(tend)
        for number in range(10, 14):
            write(number)
        tending.result()
    assert sorted(
        row.location_id for row in Lake(spark, settings).read(LOCATIONS.full_name).collect()
    ) == list(range(13))


def test_a_table_that_cannot_be_maintained_is_named_and_the_others_are(spark, lake, files):
    settings = lake("maintain")
    add_sites(spark, settings, 0, 1, files=2)
    Lake(spark, settings).ensure(["gold.climate_hourly"])
    spark.sql(f"CREATE TABLE {settings.table('gold.alerts')} (x INT) USING parquet")
    with pytest.raises(maintain.JobError, match=r"1 of 3 tables were not maintained: gold\.alerts"):
        maintain.run(Lake(spark, settings))
    assert files(settings, LOCATIONS) == 1


def test_the_command_compacts_what_the_jobs_leave_in_ops(maintained):
    assert maintained.status == 0
    assert (
        maintained.run_result["status"] == "done"
        and {"table": "data docs", "rows": 0, "detail": {"runs": []}} in maintained.run_result["tables"]
    )
    assert maintained.result(RUNS)[0] == 3


@pytest.mark.parametrize("days", ["6", "0", "-1", "7.5", "a week"])
def test_fewer_than_seven_days_are_refused_in_one_line(capsys, days):
    with pytest.raises(SystemExit) as exit_:
        parser.parse(["maintain", f"--vacuum-days={days}"])
    error = capsys.readouterr().err
    assert exit_.value.code == 2 and error.count("\n") == 1 and "days" in error


def leave(docs: Path, run_id: str, stage: str, night: str, ended: datetime) -> None:
    run_results.leave(docs, run_results.result(stage, run_id=run_id, night=night, ended_at=ended.isoformat()))
    for root in (
        docs / "expectations/validations",
        docs.parent / "great_expectations/uncommitted/validations",
    ):
        (root / "gold/alerts" / run_id / "t").mkdir(parents=True, exist_ok=True)


def kept(docs: Path) -> list[set[str]]:
    roots = (docs / "runs", docs / "expectations/validations/gold/alerts")
    results = docs.parent / "great_expectations/uncommitted/validations/gold/alerts"
    return [{path.name for path in root.iterdir()} for root in (*roots, results)]


@pytest.fixture
def settings(tmp_path):
    """Settings of a lake that has no tables: pages need none."""
    return parser.parse(["maintain", f"--home={tmp_path}"])


def test_pages_of_runs_that_ended_long_ago_go_but_not_those_of_a_nights_own_run(settings):
    now = datetime.now(UTC)
    docs, old = settings.docs, now - timedelta(40)
    leave(docs, "first-try", "report", "2024-03-05", old)
    leave(docs, "published", "report", "2024-03-05", old + timedelta(hours=1))
    leave(docs, "broken", "check_silver", "2024-03-06", old)
    leave(docs, "long", "generate", "2024-03-07", old)
    leave(docs, "long", "report", "2024-03-07", now)
    leave(docs, "young", "check_silver", "2024-03-08", now - timedelta(29))
    listed = [
        ListedValidation("gold.alerts", run, old.isoformat(), "b", "alerts", True)
        for run in ("first-try", "published")
    ]
    listed_validations.write(listed_validations.path(settings), listed)
    assert remove_old_pages(settings, now - timedelta(30)) == ["broken", "first-try"]
    assert listed_validations.read(listed_validations.path(settings)) == listed[1:]
    assert kept(docs) == [{"published", "long", "young"}] * 3
    assert remove_old_pages(settings, now - timedelta(30)) == []


def test_a_lake_without_pages_has_none_to_remove(settings):
    assert remove_old_pages(settings, datetime.now(UTC)) == []
