"""From landed lines to typed columns. All lines of a source are parsed by one query; each test looks at its own."""

import json

import pytest
from pyspark.sql import functions as F

from catalog.tables import SOURCES
from jobs.bronze.parsing import parse

READING = '{"reading_id":7,"device_id":1000,"timestamp":"2024-03-05 10:00:00","metric_value":21.5}'
TRUNCATED = READING[:30]
NO_OBJECTS = ["[1, 2]", '"text"', "42", "null", "{} {}", "\x00", f"{READING}],[{READING}", f"{READING}]x{{}}"]
UNKNOWN_FIELD = READING[:-1] + ',"battery":{"volts":3.1}}'
WRONG_TYPE = READING.replace("21.5", '"1,5"')
TOO_LARGE = READING.replace("1000", "99999999999999999999")
OTHER_CASE = READING.replace("device_id", "Device_ID")

LOG = "1001,2025-05-01 00:00:00,72.4,41.2,Room_A"
EMPTY_TOKEN = LOG.replace("72.4", "")
TOO_FEW_OR_MANY = ["1001,2025-05-01 00:00:00,72.4", f"{LOG},extra", "", ",,,,,"]
QUOTED = LOG.replace("Room_A", '"Room_A, north"')
WRONG_TOKEN = LOG.replace("72.4", "warm")

LINES = {
    "readings": [READING, TRUNCATED, *NO_OBJECTS, UNKNOWN_FIELD, WRONG_TYPE, TOO_LARGE, OTHER_CASE],
    "sensor_logs": [LOG, EMPTY_TOKEN, *TOO_FEW_OR_MANY, QUOTED, WRONG_TOKEN],
}


@pytest.fixture(scope="module")
def parsed(spark):
    """Source and line -> its row."""
    rows = {}
    for source, lines in LINES.items():
        frame = spark.createDataFrame([(line,) for line in lines], "value STRING")
        # The parser drops `value` and leaves other columns alone.
        found = parse(frame.withColumn("line", F.col("value")), SOURCES[source])
        collected = found.withColumn("_rescued", found._rescued.cast("string")).collect()
        assert len(collected) == len(lines), "a row a line"
        rows |= {(source, row.line): row for row in collected}
    return rows


def test_a_json_line_becomes_typed_columns(parsed):
    row = parsed["readings", READING]
    assert (row.reading_id, row.device_id, row.metric_value) == (7, 1000, 21.5)
    assert str(row.timestamp) == "2024-03-05 10:00:00"
    assert row._malformed is None and row._rescued is None


def test_a_truncated_json_line_is_kept_as_it_was(parsed):
    row = parsed["readings", TRUNCATED]
    assert row._malformed == TRUNCATED
    assert row.reading_id is None


@pytest.mark.parametrize("line", NO_OBJECTS)
def test_a_line_that_is_no_json_object_is_malformed(parsed, line):
    assert parsed["readings", line]._malformed == line


def test_an_unknown_field_is_rescued_and_the_rest_is_read(parsed):
    row = parsed["readings", UNKNOWN_FIELD]
    assert row.reading_id == 7
    assert json.loads(row._rescued) == {"battery": {"volts": 3.1}}


def test_a_value_of_the_wrong_type_is_rescued_under_its_name(parsed):
    row = parsed["readings", WRONG_TYPE]
    assert row.metric_value is None
    assert json.loads(row._rescued) == {"metric_value": "1,5"}


def test_a_number_too_large_for_its_column_is_rescued_not_wrapped(parsed):
    row = parsed["readings", TOO_LARGE]
    assert row.device_id is None
    assert "device_id" in json.loads(row._rescued)


def test_a_field_that_differs_only_in_case_is_unknown(parsed):
    row = parsed["readings", OTHER_CASE]
    assert row.device_id is None
    assert json.loads(row._rescued) == {"Device_ID": 1000}


def test_a_csv_line_becomes_typed_columns(parsed):
    row = parsed["sensor_logs", LOG]
    assert (row.sensor_id, row.temperature, row.humidity, row.location) == (1001, 72.4, 41.2, "Room_A")


def test_an_empty_csv_token_is_null(parsed):
    row = parsed["sensor_logs", EMPTY_TOKEN]
    assert row.temperature is None and row._malformed is None and row._rescued is None


@pytest.mark.parametrize("line", TOO_FEW_OR_MANY)
def test_a_csv_line_with_too_few_or_too_many_tokens_is_malformed(parsed, line):
    row = parsed["sensor_logs", line]
    assert row._malformed == line
    assert row.sensor_id is None


def test_a_comma_inside_quotes_separates_nothing(parsed):
    row = parsed["sensor_logs", QUOTED]
    assert row.location == "Room_A, north" and row._malformed is None


def test_a_csv_token_of_the_wrong_type_is_rescued(parsed):
    row = parsed["sensor_logs", WRONG_TOKEN]
    assert row.temperature is None
    assert json.loads(row._rescued) == {"temperature": "warm"}
