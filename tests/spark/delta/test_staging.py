"""Staging: what one attempt at a stage keeps, it reads as it was, and no other attempt sees."""

import os
from dataclasses import replace

import pytest

from catalog.tables import Table
from jobs.delta.lake import Lake
from jobs.delta.staging import LEFT_ALONE, Staging, remove_abandoned
from jobs.errors import JobError

KINDS = Table(
    "kinds",
    "id BIGINT, name STRING, day DATE, at TIMESTAMP, sum DECIMAL(38,2), raw VARIANT, reasons ARRAY<STRING>, "
    "late MAP<STRING,BIGINT>",
    "One row a kind.",
    slice="day",
)
ROWS = """VALUES
    (1L, 'a', DATE'0001-01-01', TIMESTAMP'9999-12-31 23:59:59.999999', 1.50BD, parse_json('{"b":1.0,"a":null}'),
     array('x', NULL), map('readings', 2L)),
    (2L, '', DATE'2024-03-05', TIMESTAMP'1883-11-18 12:03:58', -0.01BD, NULL, array(), map()),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS rows(id, name, day, at, sum, raw, reasons, late)"""


@pytest.fixture
def of_the_lake(spark, lake):
    return Lake(spark, lake("verify"))


def test_rows_of_all_types_are_read_as_they_were_written(spark, of_the_lake):
    rows = spark.sql(f"SELECT * EXCEPT (sum), CAST(sum AS DECIMAL(38,2)) AS sum FROM {ROWS}")
    staging = Staging(of_the_lake)
    staging.write(KINDS, rows)
    shown = ["id", "name", "day", "at", "sum", "to_json(raw)", "reasons", "late"]
    found, expected = (frame.selectExpr(*shown).collect() for frame in (staging.read(KINDS), rows))
    assert sorted(map(str, found)) == sorted(map(str, expected))
    staging.write(KINDS, rows.limit(0))
    assert staging.read(KINDS).collect() == []


def test_each_attempt_has_rows_of_its_own_until_it_removes_them(spark, of_the_lake):
    one, other = Staging(of_the_lake), Staging(of_the_lake)
    table = replace(KINDS, columns="id BIGINT, day DATE")
    for staging, number in ((one, 1), (other, 2)):
        staging.write(table, spark.sql(f"SELECT {number}L AS id, DATE'2024-03-05' AS day"))
    other.remove()
    assert [row.id for row in Staging(of_the_lake, one.name).read(table).collect()] == [1]
    with pytest.raises(JobError, match=r"what was staged in .*kinds is gone; run that stage again"):
        other.read(table)


def test_folders_are_removed_that_nobody_has_written_to_for_long_but_for_those_to_be_read(of_the_lake):
    settings = of_the_lake.settings
    old, new, read = (settings.home / "staging" / name for name in ("old", "new", "read"))
    for folder in (old, new, read):
        (folder / "kinds").mkdir(parents=True)
    for folder in (old, read):
        moment = folder.stat().st_mtime - LEFT_ALONE - 1
        os.utime(folder, (moment, moment))
    remove_abandoned(settings, {"read"})
    assert sorted(path.name for path in (settings.home / "staging").iterdir()) == ["new", "read"]
