"""Copies for other programs: nothing a spreadsheet would run, nothing half written, the same bytes again."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from catalog.tables import TABLES
from jobs.delta.lake import Lake
from jobs.flat_files import csv_lines
from jobs.gold import publish
from tests.support.copied import copy_tables

CLIMATE, EVENTS = TABLES["gold.climate_hourly"], TABLES["silver.iot_events"]
FIFTH, SIXTH = date(2024, 3, 5), date(2024, 3, 6)


def hour(day: date, at: int, room: str | None, temperature: float | None) -> tuple:
    return (day, datetime(day.year, day.month, day.day, at, tzinfo=UTC), room, 10, temperature, 40.0)


@pytest.fixture(scope="module")
def climate(spark, module_lake):
    """Two nights; the second's rows are stored in no order and hold what a spreadsheet would run.

    The lake with them; tests only read this table.
    """
    settings = module_lake("publish")
    Lake(spark, settings).ensure([CLIMATE.full_name])
    rows = [
        hour(SIXTH, 3, '=HYPERLINK("http://x")', -40.0),
        hour(SIXTH, 1, "Room_A", None),
        hour(SIXTH, 2, None, 1.0),
        hour(FIFTH, 1, "Room_B", 70.5),
    ]
    Lake(spark, settings).append(CLIMATE.full_name, spark.createDataFrame(rows, CLIMATE.columns))
    return module_lake


@pytest.fixture
def export(command, climate, tmp_path):
    """Run the command: exit status, output, complaint, and what is in the folder."""
    out = tmp_path / "out"
    out.mkdir()

    def run(*argv: str, lake=climate) -> tuple[int, str, str, list[Path]]:
        return *command(lake, "export", *argv, f"--out={out}"), sorted(out.iterdir())

    return run


def test_a_night_as_csv_has_its_rows_in_order_and_nothing_a_spreadsheet_would_run(export):
    code, out, _, (file,) = export("climate_hourly", "--night=2024-03-06", "--format=csv")
    assert (code, out) == (0, f"{file}\n") and file.name == "gold.climate_hourly.2024-03-06.csv"
    rows = list(csv.reader(file.open()))
    assert rows[0] == list(CLIMATE.column_names)
    assert [row[1:5] for row in rows[1:]] == [
        ["2024-03-06 01:00:00", "Room_A", "10", ""],
        ["2024-03-06 02:00:00", "", "10", "1.0"],
        ["2024-03-06 03:00:00", '\'=HYPERLINK("http://x")', "10", "-40.0"],
    ]


def test_a_text_that_begins_like_a_formula_gets_an_apostrophe_and_a_number_does_not(spark):
    texts = ["=1+1", "+1", "-1", "@SUM(1)", "\tx", "\r=x"]
    rows = spark.createDataFrame([(text, -1, -1.5) for text in texts], "name STRING, count INT, value DOUBLE")
    (_, *records) = csv_lines(rows)
    assert list(csv.reader(records, strict=True)) == [[f"'{text}", "-1", "-1.5"] for text in texts]


def test_variants_and_lists_are_json_and_harmless_too(spark):
    rows = spark.sql("SELECT parse_json('{\"a\": 1}') AS v, array('=x', 'y') AS l, parse_json('-5') AS n")
    (_, *records) = csv_lines(rows)
    assert next(csv.reader(records, strict=True)) == ['{"a":1}', '["=x","y"]', "'-5"]


def test_several_nights_as_parquet_keep_their_types(export):
    code, _, _, (file,) = export("climate_hourly", "--from=2024-03-05", "--to=2024-03-07", "--format=parquet")
    rows = pq.read_table(file)
    assert code == 0 and file.name == "gold.climate_hourly.2024-03-05_2024-03-07.parquet"
    assert [str(kind) for kind in rows.schema.types] == [
        *("date32[day]", "timestamp[us, tz=UTC]", "string", "int64", "double", "double"),
    ]
    assert rows.column("location").to_pylist() == ["Room_B", "Room_A", None, '=HYPERLINK("http://x")']
    assert rows.column("hour").to_pylist()[0] == datetime(2024, 3, 5, 1, tzinfo=UTC)


def test_a_table_with_variants_goes_out_as_parquet_too(spark, climate, export):
    settings = climate("silver")
    Lake(spark, settings).ensure([EVENTS.full_name])
    name = settings.table(EVENTS.full_name)
    spark.sql(
        f"INSERT INTO {name} (event_id, event_date, payload, _flags, _night) "
        "VALUES ('e', DATE'2024-03-05', parse_json('{\"a\": [1]}'), array('odd'), DATE'2024-03-05')"
    )
    code, _, _, (file,) = export("silver.iot_events", "--night=2024-03-05", "--format=parquet")
    (row,) = pq.read_table(file).select(["payload", "_flags"]).to_pylist()
    assert code == 0 and row == {"payload": '{"a":[1]}', "_flags": ["odd"]}


def test_the_same_export_again_is_fine_and_another_one_is_refused(spark, lake, climate, export):
    copy_tables(spark, climate, lake, CLIMATE.full_name)

    def as_(kind: str) -> tuple[int, str, str, list[Path]]:
        return export("climate_hourly", "--night=2024-03-05", f"--format={kind}", lake=lake)

    kinds = ("csv", "parquet")
    assert [as_(kind)[0] for kind in kinds] == [0, 0]
    written = {file: file.read_bytes() for file in as_("csv")[3]}
    assert [file.suffix for file in written] == [".csv", ".parquet"]
    assert [as_(kind)[0] for kind in kinds] == [0, 0]
    assert {file: file.read_bytes() for file in written} == written
    more = spark.createDataFrame([hour(FIFTH, 9, "Room_C", 70.0)], CLIMATE.columns)
    Lake(spark, lake("publish")).append(CLIMATE.full_name, more)
    for kind in kinds:
        code, _, error, found = as_(kind)
        assert (code, error.count("\n"), found) == (2, 1, list(written)) and "is another export" in error
    assert {file: file.read_bytes() for file in written} == written


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["climate_hourly", "--format=csv", "--night=2024-03-07"], "no rows of 2024-03-07"),
        (["gold.alerts", "--format=csv", "--night=2024-03-05"], "there is no table"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_in_one_line_and_nothing_is_written(export, argv, says):
    code, out, error, found = export(*argv)
    assert (code, out, error.count("\n"), found) == (2, "", 1, []) and says in error


def test_a_failure_half_way_leaves_nothing(export, monkeypatch):
    def fail_after_a_row(rows):
        yield "header"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jobs.maintenance.export.csv_lines", fail_after_a_row)
    code, _, error, found = export("climate_hourly", "--night=2024-03-05", "--format=csv")
    assert (code, found) == (1, []) and "No space left on device" in error


def test_the_export_of_the_hourly_climate_is_written_by_the_same_code(spark, climate):
    settings = climate("publish")
    publish._export(Lake(spark, settings))
    rows = list(csv.reader((settings.home / "export" / "iot_gold_export.csv").open()))
    assert [row[2] for row in rows[1:]] == ["Room_B", "Room_A", "", '\'=HYPERLINK("http://x")']
