"""From landed lines to typed columns."""

import json

import pytest

from jobs.lines import parse
from jobs.tables import SOURCES

READING = '{"reading_id":7,"device_id":1000,"timestamp":"2024-03-05 10:00:00","metric_value":21.5}'


@pytest.fixture
def parse_line(spark):
    def parsed(source: str, *lines: str):
        frame = spark.createDataFrame([(line,) for line in lines], "value STRING")
        row = parse(frame, SOURCES[source])
        return row.withColumns({"_rescued": row._rescued.cast("string")}).collect()

    return parsed


def test_a_json_line_becomes_typed_columns(parse_line):
    (row,) = parse_line("readings", READING)
    assert (row.reading_id, row.device_id, row.metric_value) == (7, 1000, 21.5)
    assert str(row.timestamp) == "2024-03-05 10:00:00"
    assert row._malformed is None and row._rescued is None


def test_a_truncated_json_line_is_kept_as_it_was(parse_line):
    (row,) = parse_line("readings", READING[:30])
    assert row._malformed == READING[:30]
    assert row.reading_id is None


@pytest.mark.parametrize("line", ["[1, 2]", '"text"', "42", "null", "{} {}", "\x00"])
def test_a_line_that_is_no_json_object_is_malformed(parse_line, line):
    (row,) = parse_line("readings", line)
    assert row._malformed == line


def test_an_unknown_field_is_rescued_and_the_rest_is_read(parse_line):
    (row,) = parse_line("readings", READING[:-1] + ',"battery":{"volts":3.1}}')
    assert row.reading_id == 7
    assert json.loads(row._rescued) == {"battery": {"volts": 3.1}}


def test_a_value_of_the_wrong_type_is_rescued_under_its_name(parse_line):
    (row,) = parse_line("readings", READING.replace("21.5", '"1,5"'))
    assert row.metric_value is None
    assert json.loads(row._rescued) == {"metric_value": "1,5"}


def test_a_number_too_large_for_its_column_is_rescued_not_wrapped(parse_line):
    (row,) = parse_line("readings", READING.replace("1000", "99999999999999999999"))
    assert row.device_id is None
    assert "device_id" in json.loads(row._rescued)


def test_a_field_that_differs_only_in_case_is_unknown(parse_line):
    (row,) = parse_line("readings", READING.replace("device_id", "Device_ID"))
    assert row.device_id is None
    assert json.loads(row._rescued) == {"Device_ID": 1000}


def test_a_csv_line_becomes_typed_columns(parse_line):
    (row,) = parse_line("sensor_logs", "1001,2025-05-01 00:00:00,72.4,41.2,Room_A")
    assert (row.sensor_id, row.temperature, row.humidity, row.location) == (1001, 72.4, 41.2, "Room_A")


def test_an_empty_csv_token_is_null(parse_line):
    (row,) = parse_line("sensor_logs", "1001,2025-05-01 00:00:00,,41.2,Room_A")
    assert row.temperature is None and row._malformed is None and row._rescued is None


@pytest.mark.parametrize(
    "line", ["1001,2025-05-01 00:00:00,72.4", "1001,2025-05-01 00:00:00,72.4,41.2,Room_A,extra", "", ",,,,,"]
)
def test_a_csv_line_with_too_few_or_too_many_tokens_is_malformed(parse_line, line):
    (row,) = parse_line("sensor_logs", line)
    assert row._malformed == line
    assert row.sensor_id is None


def test_a_comma_inside_quotes_separates_nothing(parse_line):
    (row,) = parse_line("sensor_logs", '1001,2025-05-01 00:00:00,72.4,41.2,"Room_A, north"')
    assert row.location == "Room_A, north" and row._malformed is None


def test_a_csv_token_of_the_wrong_type_is_rescued(parse_line):
    (row,) = parse_line("sensor_logs", "1001,2025-05-01 00:00:00,warm,41.2,Room_A")
    assert row.temperature is None
    assert json.loads(row._rescued) == {"temperature": "warm"}
