"""Tables and schemas come into being once, and take on the columns that the catalog gains."""

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from jobs import schema, store
from jobs.results import UsageError
from jobs.tables import GOLD, TABLES

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
    schema.ensure(first, settings, ["ops.job_runs"])
    assert [line for line in first.statements if line.startswith("CREATE SCHEMA")]
    schema.ensure(second, settings, ["ops.job_runs"])
    assert second.statements == [f"SHOW TABLES IN {settings.schema('ops')}"]


def test_the_types_of_the_catalog_are_those_that_spark_gives_back(spark):
    for table in TABLES.values():
        given = schema._kinds_of(spark.createDataFrame([], table.columns))
        assert schema._kinds(table.columns) == given, f"{table.full_name} would be looked at twice each time"


@pytest.fixture
def catalog(monkeypatch):
    """Give the climate other columns in the catalog."""
    return lambda columns: monkeypatch.setitem(TABLES, CLIMATE.full_name, replace(CLIMATE, columns=columns))


@pytest.fixture
def climate(spark, lake):
    """Two days of climate, of which somebody has changed the second since its digest was recorded."""
    settings, name = lake("publish"), CLIMATE.full_name
    schema.ensure(spark, settings, [name, "ops.digests"])
    rows = [(day, datetime(2024, 3, day.day, 8), "Room_A", 720, 71.5, 40.0) for day in (D4, D5)]
    store.append(settings, name, spark.createDataFrame(rows, CLIMATE.columns))
    store.record_digests(spark, settings, {name: None}, store.digests(spark, settings, name))
    spark.sql(f"UPDATE {settings.table(name)} SET log_count = 719 WHERE event_date = DATE'{D5}'")
    return settings


def recorded(spark, settings) -> dict[date, str]:
    return {row.night: row.digest for row in store.read(spark, settings, "ops.digests").collect()}


def test_a_column_that_the_catalog_gains_is_added_in_its_place_and_old_rows_have_none(
    spark, climate, catalog, caplog
):
    catalog(
        CLIMATE.columns.replace("log_count", "floor INT, tags ARRAY<STRING>, log_count")
        + ", dew_point_f DOUBLE"
    )
    with caplog.at_level("INFO", "jobs"):
        schema.ensure(spark, climate, [CLIMATE.full_name])
    assert caplog.messages == ["gold.climate_hourly          new columns: floor, tags, dew_point_f"]
    rows = store.read(spark, climate, CLIMATE.full_name)
    assert tuple(rows.columns) == TABLES[CLIMATE.full_name].column_names
    assert rows.columns[2:6] == ["location", "floor", "tags", "log_count"]
    assert {(row.floor, row.tags, row.dew_point_f) for row in rows.collect()} == {(None, None, None)}
    again = Listening(spark)
    schema.ensure(again, climate, [CLIMATE.full_name])
    assert len(again.statements) == 1, "nothing is left to do"


def test_what_held_before_a_column_came_holds_after_it_and_what_did_not_does_not(spark, climate, catalog):
    before = recorded(spark, climate)
    catalog(CLIMATE.columns + ", dew_point_f DOUBLE")
    schema.ensure(spark, climate, [CLIMATE.full_name])
    now = {found.night: found.digest for found in store.digests(spark, climate, CLIMATE.full_name)}
    kept = recorded(spark, climate)
    assert kept[D4] == now[D4] != before[D4]
    assert kept[D5] == before[D5] != now[D5]


def test_a_crash_between_digests_and_columns_is_made_good(spark, climate, catalog, monkeypatch):
    catalog(CLIMATE.columns + ", dew_point_f DOUBLE")
    crashing = Listening(spark)

    def sql(statement: str) -> Any:
        if statement.startswith("ALTER"):
            raise KeyboardInterrupt
        return spark.sql(statement)

    monkeypatch.setattr(crashing, "sql", sql)
    with pytest.raises(KeyboardInterrupt):
        schema.ensure(crashing, climate, [CLIMATE.full_name])
    schema.ensure(spark, climate, [CLIMATE.full_name])
    now = {found.night: found.digest for found in store.digests(spark, climate, CLIMATE.full_name)}
    assert recorded(spark, climate)[D4] == now[D4]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "log_count BIGINT",
            "log_count STRING",
            "log_count as bigint, catalog.toml as string; give the new one",
        ),
        (
            ", log_count BIGINT",
            "",
            "log_count, catalog.toml does not; put it back there, or begin a new lake",
        ),
        (
            "location STRING, log_count BIGINT",
            "log_count BIGINT, location STRING",
            "location where catalog.toml has log_count; give the columns there the table's order",
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
            schema.ensure(spark, climate, [CLIMATE.full_name])
    assert tuple(store.read(spark, climate, CLIMATE.full_name).columns) == CLIMATE.column_names
    assert recorded(spark, climate) == before


def test_another_word_for_the_same_type_is_no_change(spark, climate, catalog):
    catalog(CLIMATE.columns.replace("BIGINT", "LONG"))
    listening = Listening(spark)
    schema.ensure(listening, climate, [CLIMATE.full_name])
    assert len(listening.statements) == 1
