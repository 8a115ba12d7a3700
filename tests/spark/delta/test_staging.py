"""Staging: what one attempt at a stage keeps, it reads as it was, and no other attempt sees."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from catalog.tables import Table
from jobs.delta.lake import Lake
from jobs.delta.staging import LEFT_ALONE, MOMENT, Staging, remove_abandoned
from jobs.errors import JobError

KINDS = Table(
    "kinds",
    "id BIGINT, name STRING, day DATE, at TIMESTAMP, sum DECIMAL(38,2), raw VARIANT, reasons ARRAY<STRING>, "
    "late MAP<STRING,BIGINT>",
    "One row a kind.",
    slice="day",
)
ROWS = """VALUES
    (1L, 'a', DATE'0001-01-01', TIMESTAMP'9999-12-31 23:59:59.999999', 1.50BD, parse_json('{"x":1,"a":null}'),
     array('x', NULL), map('readings', 2L)),
    (2L, '', DATE'2024-03-05', TIMESTAMP'1883-11-18 12:03:58', -0.01BD, parse_json('{"x":2.55}'), array(), map()),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS rows(id, name, day, at, sum, raw, reasons, late)"""
NUMBERS = replace(KINDS, columns="number INT, day DATE")


@pytest.fixture
def staging(spark, lake):
    return Staging(Lake(spark, lake("verify")))


def numbers(spark, *of: object):
    """Rows of NUMBERS with numbers of whichever type, on a day."""
    rows = ", ".join(f"({number}, DATE'2024-03-05')" for number in of)
    return spark.sql(f"SELECT * FROM VALUES {rows} AS rows(number, day)")


def test_rows_of_all_types_are_read_as_they_were_written(spark, staging):
    rows = spark.sql(f"SELECT * FROM {ROWS}")
    staging.write(KINDS, rows)
    shown = [*KINDS.column_names, "schema_of_variant(raw)"]
    shown[shown.index("raw")] = "to_json(raw)"
    shown[shown.index("sum")] = "CAST(sum AS DECIMAL(38,2))"
    found, expected = (frame.selectExpr(*shown).collect() for frame in (staging.read(KINDS), rows))
    assert sorted(map(str, found)) == sorted(map(str, expected))
    staging.write(KINDS, rows.limit(0))
    assert staging.read(KINDS).collect() == []


@pytest.mark.parametrize("number", ["7L", "7.00BD", "'7'"], ids=["a long", "a decimal", "a text"])
def test_rows_are_kept_in_the_types_of_the_catalog(spark, staging, number):
    staging.write(NUMBERS, numbers(spark, number))
    assert [row.number for row in staging.read(NUMBERS).collect()] == [7]


def test_an_unknown_value_without_a_type_is_kept_and_one_too_large_for_its_type_is_refused(spark, staging):
    staging.write(NUMBERS, numbers(spark, "1").withColumn("number", F.lit(None)))
    assert [row.number for row in staging.read(NUMBERS).collect()] == [None]
    with pytest.raises(PySparkException, match="overflow"):
        staging.write(NUMBERS, numbers(spark, "3000000000L"))


def test_each_attempt_has_rows_of_its_own_until_it_removes_them(spark, staging):
    other = Staging(staging.lake)
    for each, number in ((staging, "1"), (other, "2")):
        each.write(NUMBERS, numbers(spark, number))
    other.remove()
    again = Staging(staging.lake, staging.name)
    assert [row.number for row in again.read(NUMBERS).collect()] == [1]
    with pytest.raises(JobError, match=r"what was staged in .*kinds is gone; run that stage again"):
        other.read(NUMBERS)


def test_rows_of_which_a_file_is_gone_are_not_read(spark, staging):
    staging.write(NUMBERS, numbers(spark, "1", "2").repartition(2))
    one, *_ = (staging.lake.settings.home / "staging" / staging.name / "kinds").glob("*.parquet")
    one.unlink()
    with pytest.raises(JobError, match="is not what was written there; run that stage again"):
        staging.read(NUMBERS)


def test_folders_are_removed_that_were_begun_long_ago_but_for_those_to_be_read(staging):
    now = datetime.now(UTC)
    old, read, new = (
        staging.lake.settings.home / "staging" / f"{now - age:{MOMENT}}-{name}"
        for age, name in ((LEFT_ALONE * 2, "old"), (LEFT_ALONE * 2, "read"), (LEFT_ALONE / 2, "new"))
    )
    for folder in (old, read, new):
        (folder / "kinds").mkdir(parents=True)
    remove_abandoned(staging.lake.settings, {read.name})
    assert {each for each in (old, read, new) if each.exists()} == {read, new}
