"""Copies for other programs: nothing a spreadsheet would run, nothing half written, the same bytes again."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from jobs import publish, schema, store
from jobs.flat_files import csv_lines
from jobs.main import main
from jobs.tables import TABLES

CLIMATE, EVENTS = TABLES["gold.climate_hourly"], TABLES["silver.iot_events"]
FIFTH, SIXTH = date(2024, 3, 5), date(2024, 3, 6)


def hour(day: date, at: int, room: str | None, temperature: float | None) -> tuple:
    return (day, datetime(day.year, day.month, day.day, at, tzinfo=UTC), room, 10, temperature, 40.0)


@pytest.fixture
def climate(spark, lake):
    """Two nights; the second's rows are stored in no order and hold what a spreadsheet would run."""
    settings = lake("publish")
    schema.ensure(spark, settings, [CLIMATE.full_name])
    rows = [
        hour(SIXTH, 3, '=HYPERLINK("http://x")', -40.0),
        hour(SIXTH, 1, "Room_A", None),
        hour(SIXTH, 2, None, 1.0),
        hour(FIFTH, 1, "Room_B", 70.5),
    ]
    store.append(settings, CLIMATE.full_name, spark.createDataFrame(rows, CLIMATE.columns))
    return settings


@pytest.fixture
def export(lake, tmp_path, capsys):
    """Run the command: exit status, output, complaint, and what is in the folder."""
    out = tmp_path / "out"
    out.mkdir()

    def command(*argv: str, folder: Path = out) -> tuple[int, str, str, list[Path]]:
        settings = lake("verify")
        capsys.readouterr()
        place = (f"--home={settings.home}", f"--prefix={settings.prefix}", f"--out={folder}")
        try:
            code = main(["export", *argv, *place])
        except SystemExit as exit_:
            code = exit_.code
        said = capsys.readouterr()
        return code, said.out, said.err, sorted(out.iterdir())

    return command


def test_a_night_as_csv_has_its_rows_in_order_and_nothing_a_spreadsheet_would_run(climate, export):
    code, out, _, (file,) = export("climate_hourly", "--night=2024-03-06", "--format=csv")
    assert (code, out) == (0, f"{file}\n") and file.name == "gold.climate_hourly.2024-03-06.csv"
    rows = list(csv.reader(file.open()))
    assert rows[0] == list(CLIMATE.column_names)
    assert [row[1:5] for row in rows[1:]] == [
        ["2024-03-06 01:00:00", "Room_A", "10", ""],
        ["2024-03-06 02:00:00", "", "10", "1.0"],
        ["2024-03-06 03:00:00", '\'=HYPERLINK("http://x")', "10", "-40.0"],
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\tx", "\r=x"])
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe_and_a_number_does_not(spark, text):
    rows = spark.createDataFrame([(text, -1, -1.5)], "name STRING, count INT, value DOUBLE")
    (_, *records) = csv_lines(rows)
    assert next(csv.reader(records, strict=True)) == [f"'{text}", "-1", "-1.5"]


def test_variants_and_lists_are_json_and_harmless_too(spark):
    rows = spark.sql("SELECT parse_json('{\"a\": 1}') AS v, array('=x', 'y') AS l, parse_json('-5') AS n")
    (_, *records) = csv_lines(rows)
    assert next(csv.reader(records, strict=True)) == ['{"a":1}', '["=x","y"]', "'-5"]


def test_several_nights_as_parquet_keep_their_types(climate, export, table):
    code, _, _, (file,) = export("climate_hourly", "--from=2024-03-05", "--to=2024-03-07", "--format=parquet")
    rows = pq.read_table(file)
    assert code == 0 and file.name == "gold.climate_hourly.2024-03-05_2024-03-07.parquet"
    assert [str(kind) for kind in rows.schema.types] == [
        *("date32[day]", "timestamp[us, tz=UTC]", "string", "int64", "double", "double"),
    ]
    assert rows.column("location").to_pylist() == ["Room_B", "Room_A", None, '=HYPERLINK("http://x")']
    assert rows.column("hour").to_pylist()[0] == datetime(2024, 3, 5, 1, tzinfo=UTC)


def test_a_table_with_variants_goes_out_as_parquet_too(spark, lake, export):
    settings = lake("silver")
    schema.ensure(spark, settings, [EVENTS.full_name])
    name = settings.table(EVENTS.full_name)
    spark.sql(
        f"INSERT INTO {name} (event_id, event_date, payload, _flags, _night) "
        "VALUES ('e', DATE'2024-03-05', parse_json('{\"a\": [1]}'), array('odd'), DATE'2024-03-05')"
    )
    code, _, _, (file,) = export("silver.iot_events", "--night=2024-03-05", "--format=parquet")
    (row,) = pq.read_table(file).select(["payload", "_flags"]).to_pylist()
    assert code == 0 and row == {"payload": '{"a":[1]}', "_flags": ["odd"]}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_same_export_again_is_fine_and_another_one_is_refused(climate, spark, export, kind):
    argv = ("climate_hourly", "--night=2024-03-05", f"--format={kind}")
    assert export(*argv)[0] == 0
    *_, (file,) = export(*argv)
    before = file.read_bytes()
    assert export(*argv)[0] == 0 and file.read_bytes() == before
    more = spark.createDataFrame([hour(FIFTH, 9, "Room_C", 70.0)], CLIMATE.columns)
    store.append(climate, CLIMATE.full_name, more)
    code, _, error, found = export(*argv)
    assert (code, error.count("\n"), found) == (2, 1, [file]) and "is another export" in error
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["climate_hourly", "--format=csv"], "--night, or --from and --to"),
        (["climate_hourly", "--format=csv", "--from=2024-03-05"], "--night, or --from and --to"),
        (
            ["climate_hourly", "--format=csv", "--night=2024-03-05", "--to=2024-03-05"],
            "--night, or --from and --to",
        ),
        (["climate_hourly", "--format=csv", "--from=2024-03-06", "--to=2024-03-05"], "before it begins"),
        (["climate_hourly", "--format=csv", "--night=2024-03-07"], "no rows of 2024-03-07"),
        (["climate_hourly", "--format=xlsx", "--night=2024-03-05"], "--format"),
        (["climate", "--format=csv", "--night=2024-03-05"], "no table"),
        (["gold.alerts", "--format=csv", "--night=2024-03-05"], "there is no table"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_in_one_line_and_nothing_is_written(climate, export, argv, says):
    code, out, error, found = export(*argv)
    assert (code, out, error.count("\n"), found) == (2, "", 1, []) and says in error


def test_a_folder_that_is_not_there_is_refused(climate, export, tmp_path):
    argv = ("climate_hourly", "--night=2024-03-05", "--format=csv")
    code, _, error, _ = export(*argv, folder=tmp_path / "nowhere")
    assert code == 2 and "there is no folder" in error


def test_a_failure_half_way_leaves_nothing(spark, climate, export, monkeypatch):
    def fail_after_a_row(rows):
        yield "header"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jobs.care.export.csv_lines", fail_after_a_row)
    code, _, error, found = export("climate_hourly", "--night=2024-03-05", "--format=csv")
    assert (code, found) == (1, []) and "No space left on device" in error


def test_the_export_of_the_hourly_climate_is_written_by_the_same_code(spark, climate):
    publish._export(spark, climate)
    rows = list(csv.reader((climate.home / "export" / "iot_gold_export.csv").open()))
    assert [row[2] for row in rows[1:]] == ["Room_B", "Room_A", "", '\'=HYPERLINK("http://x")']
