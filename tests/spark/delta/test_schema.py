"""Tables and schemas come into being once, and take on the columns that the catalog gains."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import polars
import pytest
from deltalake import DeltaTable
from pyarrow.parquet import ParquetFile
from pyspark.errors import AnalysisException
from pyspark.sql import Row

from catalog.tables import GOLD, TABLES
from jobs.delta import schema
from jobs.delta.lake import Lake
from jobs.errors import UsageError
from jobs.maintenance.versions import rows_at, versions
from jobs.settings import Settings
from tests.conftest import new_lake
from tests.support.copied import copy_tables

CLIMATE = GOLD["climate_hourly"]
D4, D5 = date(2024, 3, 4), date(2024, 3, 5)


class Listening:
    """The session, and a list of the statements that it was given."""

    def __init__(self, spark: Any) -> None:
        self._spark, self.statements = spark, []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._spark, name)

    def sql(self, statement: str) -> Any:
        self.statements.append(statement)
        return self._spark.sql(statement)


def test_a_schema_that_is_there_is_not_asked_for_again(spark, lake):
    settings, first, second = lake("report"), Listening(spark), Listening(spark)
    Lake(first, settings).ensure(["ops.job_runs"])
    assert [line for line in first.statements if line.startswith("CREATE SCHEMA")]
    Lake(second, settings).ensure(["ops.job_runs"])
    assert second.statements == []


def test_the_types_of_the_catalog_are_those_that_spark_gives_back(spark):
    # One frame with a struct for each table: one question instead of one for each table.
    ddl = ", ".join(f"`{name}` STRUCT<{table.columns}>" for name, table in TABLES.items())
    for field in spark.createDataFrame([], ddl).schema.fields:
        kinds = schema._kinds_of(field.dataType)
        assert schema._kinds(TABLES[field.name].columns) == kinds, (
            f"{field.name} would be looked at twice each time"
        )


def _catalog(patch: pytest.MonkeyPatch, columns: str) -> None:
    patch.setitem(TABLES, CLIMATE.full_name, replace(CLIMATE, columns=columns))


@pytest.fixture
def catalog(monkeypatch):
    """Give the climate other columns in the catalog."""
    return lambda columns: _catalog(monkeypatch, columns)


@pytest.fixture(scope="module")
def prepared(spark, module_lake):
    """Two days of climate, of which somebody has changed the second since its digest was recorded."""
    settings, name = module_lake("publish"), CLIMATE.full_name
    Lake(spark, settings).ensure([name, "ops.digests"])
    rows = [(day, datetime(2024, 3, day.day, 8), "Room_A", 720, 71.5, 40.0) for day in (D4, D5)]
    Lake(spark, settings).append(name, spark.createDataFrame(rows, CLIMATE.columns))
    Lake(spark, settings).record_digests({name: None}, Lake(spark, settings).digests({name: None}))
    spark.sql(f"UPDATE {settings.table(name)} SET log_count = 719 WHERE event_date = DATE'{D5}'")
    return module_lake


@pytest.fixture
def climate(prepared):
    """Settings of the lake with those two days; tests only read it."""
    return prepared("publish")


WIDER = (
    CLIMATE.columns.replace("log_count", "floor INT, tags ARRAY<STRING>, log_count") + ", dew_point_f DOUBLE"
)


@dataclass
class Widened:
    """A lake whose climate has been given the columns of WIDER."""

    settings: Settings
    before: dict[date, str]  # digests that were recorded before
    kept: dict[date, str]  # and after
    now: dict[date, str]  # digests as they are
    columns: list[str]
    rows: list[Row]
    messages: list[str]
    statements: list[str]  # of doing it again


@contextmanager
def listening_to_the_log() -> Iterator[list[str]]:
    """What the jobs log meanwhile."""
    log, handler, messages = logging.getLogger("jobs"), logging.Handler(), []
    handler.emit = lambda record: messages.append(record.getMessage())
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield messages
    finally:
        log.setLevel(level)
        log.removeHandler(handler)


@pytest.fixture(scope="module")
def widened(spark, prepared, tmp_path_factory):
    """A copy of the two days, which a test may widen further: what was found after the first time stays."""
    with new_lake(spark, tmp_path_factory.mktemp("wider")) as lake:
        copy_tables(spark, prepared, lake, CLIMATE.full_name, "ops.digests")
        settings, again = lake("publish"), Listening(spark)
        before = recorded(spark, settings)
        with pytest.MonkeyPatch.context() as patch, listening_to_the_log() as messages:
            _catalog(patch, WIDER)
            Lake(spark, settings).ensure([CLIMATE.full_name])
            Lake(again, settings).ensure([CLIMATE.full_name])
            kept, now = recorded(spark, settings), digests(spark, settings)
            rows = Lake(spark, settings).read(CLIMATE.full_name)
            found = Widened(
                settings, before, kept, now, rows.columns, rows.collect(), messages, again.statements
            )
        yield found


def recorded(spark, settings) -> dict[date, str]:
    return {row.night: row.digest for row in Lake(spark, settings).read("ops.digests").collect()}


def digests(spark, settings) -> dict[date, str]:
    return {found.night: found.digest for found in Lake(spark, settings).digests({CLIMATE.full_name: None})}


def test_a_column_that_the_catalog_gains_is_added_in_its_place_and_old_rows_have_none(widened):
    assert widened.messages == ["gold.climate_hourly          new columns: floor, tags, dew_point_f"]
    assert tuple(widened.columns) == replace(CLIMATE, columns=WIDER).column_names
    assert widened.columns[2:6] == ["location", "floor", "tags", "log_count"]
    assert {(row.floor, row.tags, row.dew_point_f) for row in widened.rows} == {(None, None, None)}
    assert len(widened.rows) == 2
    assert widened.statements == [], "nothing is left to do"


def test_what_held_before_a_column_came_holds_after_it_and_what_did_not_does_not(widened):
    assert widened.kept[D4] == widened.now[D4] != widened.before[D4]
    assert widened.kept[D5] == widened.before[D5] != widened.now[D5]


def test_quarantine_of_older_releases_is_written_anew_as_text_which_every_reader_opens(spark, lake):
    settings = lake("silver")
    quarantine, table = TABLES["ops.quarantine"], settings.table("ops.quarantine")
    older = quarantine.columns.replace("raw STRING", "raw VARIANT")
    assert older != quarantine.columns
    Lake(spark, settings).ensure(["ops.digests"])
    spark.sql(
        f"CREATE TABLE {table} ({older}) USING DELTA PARTITIONED BY (source, night) COMMENT 'as it was'"
    )
    spark.sql(
        f"""INSERT INTO {table} VALUES ('readings', DATE'{D5}', '7', parse_json('{{"a":1.50,"b":null}}'), array('no'), 'f'),
        ('events', DATE'{D4}', NULL, NULL, array('no'), 'g')"""
    )
    again = Listening(spark)
    for session in (spark, again):
        Lake(session, settings).ensure([quarantine.full_name])
    assert again.statements == [], "nothing is left to do"
    expected = {("readings", D5, "7", '{"a":1.5,"b":null}'), ("events", D4, None, None)}
    columns = ["source", "night", "key", "raw"]
    rows = Lake(spark, settings).read(quarantine.full_name)
    assert {tuple(row) for row in rows.select(columns).collect()} == expected
    (found,) = spark.sql(f"DESCRIBE DETAIL {table}").collect()
    assert (found.partitionColumns, found.description) == (["source", "night"], quarantine.grain)
    folder = found.location.removeprefix("file:")
    assert {*polars.read_delta(folder).select(columns).iter_rows()} == expected
    opened = DeltaTable(folder).to_pyarrow_table().select(columns).to_pylist()
    assert {tuple(row.values()) for row in opened} == expected

    # Versions from before can still be looked at.
    before = versions(Lake(spark, settings), quarantine)[1]
    then = rows_at(Lake(spark, settings), quarantine, before)
    assert {tuple(row) for row in then.select(columns).collect()} == expected


def test_a_crash_between_digests_and_columns_is_made_good(spark, widened, catalog, monkeypatch):
    settings = widened.settings
    catalog(f"{WIDER}, wind_mph DOUBLE")
    crashing = Listening(spark)

    def sql(statement: str) -> Any:
        if statement.startswith("ALTER"):
            raise KeyboardInterrupt
        return spark.sql(statement)

    monkeypatch.setattr(crashing, "sql", sql)
    with pytest.raises(KeyboardInterrupt):
        Lake(crashing, settings).ensure([CLIMATE.full_name])
    Lake(spark, settings).ensure([CLIMATE.full_name])
    now = digests(spark, settings)
    assert recorded(spark, settings)[D4] == now[D4] != widened.now[D4]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "log_count BIGINT",
            "log_count STRING",
            "log_count as bigint, the catalog as string; give the new one",
        ),
        (
            ", log_count BIGINT",
            "",
            "log_count, the catalog does not; put it back there, or begin a new lake",
        ),
        (
            "location STRING, log_count BIGINT",
            "log_count BIGINT, location STRING",
            "location where the catalog has log_count; give the columns there the table's order",
        ),
    ],
)
def test_a_column_that_is_no_more_what_it_was_is_refused_and_nothing_is_changed(
    spark, climate, catalog, old, new, said
):
    before = recorded(spark, climate)
    for added in ("", ", dew_point_f DOUBLE"):
        catalog(CLIMATE.columns.replace(old, new) + added)
        with pytest.raises(UsageError, match=f"climate_hourly has column {said}"):
            Lake(spark, climate).ensure([CLIMATE.full_name])
    assert tuple(Lake(spark, climate).read(CLIMATE.full_name).columns) == CLIMATE.column_names
    assert recorded(spark, climate) == before


def test_another_word_for_the_same_type_is_no_change(spark, climate, catalog):
    catalog(CLIMATE.columns.replace("BIGINT", "LONG"))
    listening = Listening(spark)
    Lake(listening, climate).ensure([CLIMATE.full_name])
    assert listening.statements == []


def test_timestamps_lie_in_files_as_microseconds_which_every_reader_understands_alike(spark, lake):
    own = Lake(spark, lake("report"))
    own.ensure(["ops.rejected_files"])
    far = datetime(9999, 12, 31, 23, 59, 59, 999999)
    row = ("doors", D4, "a.csv", "cut", 1, far)
    own.append("ops.rejected_files", spark.createDataFrame([row], TABLES["ops.rejected_files"].columns))
    (path,) = [
        row.path for row in own.read("ops.rejected_files").selectExpr("_metadata.file_path AS path").collect()
    ]
    file = ParquetFile(unquote(urlsplit(path).path))
    (column,) = [each for each in map(file.schema.column, range(6)) if each.name == "rejected_at"]
    assert column.physical_type == "INT64"
    assert file.read(["rejected_at"]).to_pylist() == [{"rejected_at": far.replace(tzinfo=UTC)}]


def left_by_a_job_that_was_killed(spark, settings, folder, *, commits: int, log: bool = True) -> None:
    """What is in a table's folder when the catalog does not know the table: rows, and perhaps a log."""
    name, lake = CLIMATE.full_name, Lake(spark, settings)
    rows = spark.createDataFrame([(D4, datetime(2024, 3, 4, 8), "Room_B", 1, 1.0, 1.0)], CLIMATE.columns)
    assert lake.create_with(name, rows)
    for _ in range(commits - 1):
        lake.append(name, rows)
    folder.rename(folder.with_name("kept"))
    spark.sql(f"DROP TABLE {settings.table(name)}")
    folder.with_name("kept").rename(folder)
    if not commits:
        shutil.rmtree(folder / "_delta_log")
        if log:
            (folder / "_delta_log").mkdir()


@pytest.fixture
def climate_in(spark, lake, tmp_path, monkeypatch):
    """Settings of a lake whose gold lies in a folder of some name, and where that keeps the climate."""
    monkeypatch.setattr(schema.time, "sleep", lambda _: None)

    def made(name: str):
        settings, folder = lake("publish"), tmp_path / name / "gold.db"
        spark.sql(f"CREATE SCHEMA {settings.schema('gold')} LOCATION '{folder}'")
        return settings, folder / CLIMATE.name

    return made


@pytest.mark.parametrize(
    ("name", "commits", "log", "rows"),
    [("lake", 0, False, 1), ("lake", 0, True, 0), ("lake", 1, True, 0), ("a lake%20", 1, True, 1)],
    ids=["files alone", "an empty log", "one commit", "one commit, in another folder"],
)
def test_what_a_killed_job_left_of_a_new_table_is_in_no_ones_way(spark, climate_in, name, commits, log, rows):
    settings, folder = climate_in(name)
    left_by_a_job_that_was_killed(spark, settings, folder, commits=commits, log=log)
    made = [(D5, datetime(2024, 3, 5, 8), "Room_A", 720, 71.5, 40.0)] * rows
    if made:
        assert Lake(spark, settings).create_with(
            CLIMATE.full_name, spark.createDataFrame(made, CLIMATE.columns)
        )
    else:
        Lake(spark, settings).ensure([CLIMATE.full_name])
    table = Lake(spark, settings).read(CLIMATE.full_name)
    assert [tuple(row) for row in table.collect()] == made and table.columns == [*CLIMATE.column_names]
    detail = spark.sql(f"DESCRIBE DETAIL {settings.table(CLIMATE.full_name)}").first()
    assert (detail.partitionColumns, detail.description) == ([*CLIMATE.partition_by], CLIMATE.grain)


def test_a_table_with_nights_that_the_catalog_has_lost_is_not_replaced(spark, climate_in):
    settings, folder = climate_in("a lake%20")
    left_by_a_job_that_was_killed(spark, settings, folder, commits=2)
    rows = spark.createDataFrame([], CLIMATE.columns)
    for create in (
        lambda lake: lake.create_with(CLIMATE.full_name, rows),
        lambda lake: lake.ensure([CLIMATE.full_name]),
    ):
        with pytest.raises(AnalysisException, match="DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION"):
            create(Lake(spark, settings))
    assert spark.read.format("delta").load(str(folder)).count() == 2
