"""What keeps a line out of silver besides the rules of its suite. All lines are validated by one query."""

from dataclasses import replace

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from catalog.records import without_records
from catalog.tables import SOURCES, Source
from jobs.bronze.parsing import parse
from jobs.outcome import Outcome
from jobs.silver import clean
from jobs.silver.misfits import CAME_MEANWHILE
from jobs.silver.validation import _part_of_key, validate
from jobs.table_functions import find_table_function

INSIDE = replace(SOURCES["iot_events"], records="data")
EVENT = (
    '{"event_id":"e","timestamp":"2024-03-05 10:00:00","device_type":"climate","sensor_id":"S-1",'
    '"status":"active","region":"north","temperature":21.4,"json_column":{"a":1}}'
)
LINES = {
    "good": EVENT,
    "new field": EVENT[:-1] + ',"floors":3}',
    "other case": EVENT.replace("temperature", "Temperature"),
    "two": EVENT.replace("temperature", "Temperature").replace("region", "REGION"),
    "both cases": EVENT[:-1] + ',"Temperature":30}',
    "null in other case": EVENT.replace('"temperature":21.4', '"TEMPERATURE":null'),
    "key in other case": EVENT.replace("event_id", "Event_ID"),
    "payload in other case": EVENT.replace("json_column", "JSON_Column"),
    "misfit": EVENT.replace("21.4", '"warm"'),
    "without": without_records("data") + EVENT,
    "no pack": without_records("data", "it has no name") + f" {EVENT}",
    "broken": EVENT[:-1],
    "deeper": '{"event_id":"e","timestamp":"2024-03-05 10:00:00","values":{"temperature":21.4},"v":2}',
    "shortened": EVENT.replace('"event_id":"e"', '"event_id":"3.56938E+14"'),
    "shortened with a comma": EVENT.replace('"event_id":"e"', '"event_id":"3,56938E+14"'),
    "shortened to a digit": EVENT.replace('"event_id":"e"', '"event_id":"4E+11"'),
    "invisible": EVENT.replace('"event_id":"e"', '"event_id":" \u00a0\u200b"'),
    "mark of a file": EVENT.replace('"event_id":"e"', '"event_id":"\ufeffe"'),
    "page": EVENT.replace('"event_id":"e"', '"event_id":"e \u00a0"'),
    "spaces": EVENT.replace('"event_id":"e"', '"event_id":" e f\u00a0g "'),
    "word for nothing": EVENT.replace('"event_id":"e"', '"event_id":"NULL"'),
    "nearly a word for nothing": EVENT.replace('"event_id":"e"', '"event_id":"NULL-1"'),
    "nearly shortened": EVENT.replace('"event_id":"e"', '"event_id":"3.5E14"'),
}

HUB = replace(
    SOURCES["iot_events"],
    records="data",
    names=(
        ("object.temperature", "temperature"),
        ("temp", "temperature"),
        ("rx[0].id", "sensor_id"),
        ("$.site.region", "region"),
    ),
)
SENT = '{"$":{"site":{"region":"north"}},' + EVENT[1:].replace('"region":"north",', "")
UPLINK = SENT.replace('"sensor_id":"S-1"', '"rx":[{"id":"S-1"}]').replace(
    '"temperature":21.4', '"object":{"temperature":21.4}'
)
NOTHING_MEASURED = (
    '{"$":{"site":{"region":null,"gateway":7}},"event_id":"e","timestamp":"2024-03-05 10:00:00"}'
)
UNMEASURED = ["no sensor_id", "no device type", "no status", "the payload is no JSON object"]  # by its suite
# Uplink -> what keeps it out of silver.
UPLINKS = {
    UPLINK: [],
    UPLINK.replace("21.4", '21.4,"floors":3'): [],
    UPLINK.replace('{"temperature":21.4}', "null"): [],
    UPLINK.replace("21.4", '"warm"'): ["object.temperature is no DOUBLE"],
    UPLINK.replace("temperature", "Temperature"): ["object.temperature came as object.Temperature"],
    SENT.replace('"sensor_id":"S-1"', '"rx":[{"id":"S-1"}]').replace("temperature", "object.temperature"): [
        "object.temperature came as ['object.temperature']"
    ],
    UPLINK.replace('{"temperature":21.4}', '"21.4"'): ["object is no object"],
    UPLINK.replace('{"temperature":21.4}', r'"{\"temperature\":21.4}"'): [],
    UPLINK.replace('{"temperature":21.4}', r'"{\"temperature\":\"warm\"}"'): [
        "object.temperature is no DOUBLE"
    ],
    UPLINK.replace('{"temperature":21.4}', '"eyJUZW1wZXJhdHVyZSI6MjEuNH0="'): [
        "object.temperature came as object.Temperature"
    ],
    UPLINK.replace('{"temperature":21.4}', '"SGVsbG8="'): ["object is no object"],
    UPLINK.replace('[{"id":"S-1"}]', '{"id":"S-1"}'): ["rx is no array", "no sensor_id"],
    UPLINK.replace('{"id":"S-1"}', "7"): ["rx[0] is no object", "no sensor_id"],
    UPLINK.replace('{"region":"north"}', '"north"'): ["$.site is no object"],
    UPLINK.replace('"region"', '"Region"'): ["$.site.region came as $.site.Region"],
    UPLINK.replace('"site"', '"Site"'): ["$.site came as $.Site"],
    UPLINK.replace('"object"', '"Object"'): ["object came as Object"],
    UPLINK.replace('"rx"', '"RX"'): ["rx came as RX", "no sensor_id"],
    UPLINK[:-1] + ',"Object":{"temperature":3}}': [],
    UPLINK.replace('"object":{"temperature":21.4}', '"OBJECT":null'): [],
    # Nothing was measured, and what the document has besides says nothing of it.
    NOTHING_MEASURED: UNMEASURED,
    NOTHING_MEASURED[:-1] + ',"value":3}': ["no column has a value, only unknown fields: value", *UNMEASURED],
    NOTHING_MEASURED.replace("null", '"north"')[:-1] + ',"value":3}': [
        "no column has a value, only unknown fields: value",
        *UNMEASURED,
    ],
    # Of several values of a column, the first that fits is it.
    UPLINK[:-1] + ',"temp":3}': [],
    UPLINK.replace("21.4", '"warm"')[:-1] + ',"temp":3}': [],
    UPLINK.replace("21.4", '"warm"')[:-1] + ',"temp":"hot"}': [
        "object.temperature is no DOUBLE",
        "temp is no DOUBLE",
    ],
}


def reasons_of(spark, source: Source, lines: dict[str, str], **options: bool) -> dict[str, list[str]]:
    frame = spark.createDataFrame([*lines.items()], "name STRING, value STRING")
    file = F.concat(F.lit("/arrived=2024-03-05/"), "name")
    frame = frame.select("value", file.alias("_file"), F.expr("DATE'2024-03-05'").alias("_night"))
    found = validate(parse(frame, source), source, None, **options).select("_file", "_reasons").collect()
    return {row._file.rpartition("/")[2]: row._reasons for row in found}


@pytest.fixture(scope="module")
def reasons(spark):
    """Name of a line -> what keeps it out of silver."""
    return reasons_of(spark, INSIDE, LINES)


def test_what_keeps_an_uplink_out_of_silver_is_said_with_its_path(spark):
    found = reasons_of(spark, HUB, {str(number): line for number, line in enumerate(UPLINKS)})
    assert [found[str(number)] for number in range(len(UPLINKS))] == [*UPLINKS.values()]


def test_a_row_with_a_field_that_does_not_fit_is_not_taken_where_none_was_counted(spark):
    misfit = UPLINK.replace("21.4", '"warm"')
    found = reasons_of(spark, HUB, {"whole": UPLINK, "misfit": misfit}, has_rescued=False)
    assert found == {"whole": [], "misfit": [CAME_MEANWHILE]}


def test_a_field_that_differs_only_in_case_from_one_that_is_missing_keeps_its_row_out_of_silver(reasons):
    assert reasons["other case"] == ["temperature came as Temperature"]
    assert sorted(reasons["two"]) == ["region came as REGION", "temperature came as Temperature"]
    assert reasons["key in other case"] == ["event_id came as Event_ID", "no event_id"]
    assert "json_column came as JSON_Column" in reasons["payload in other case"]


@pytest.mark.parametrize(
    "line",
    [
        "good",
        "new field",
        "both cases",
        "null in other case",
        "nearly shortened",
        "nearly a word for nothing",
    ],
)
def test_a_row_that_has_its_values_or_never_had_them_goes_to_silver(reasons, line):
    assert reasons[line] == []


def test_a_row_of_which_only_unknown_fields_have_values_is_no_row_of_nulls(reasons):
    assert "no column has a value, only unknown fields: v, values" in reasons["deeper"]


@pytest.mark.parametrize("line", ["shortened", "shortened with a comma", "shortened to a digit"])
def test_a_number_that_a_spreadsheet_has_shortened_is_no_key(reasons, line):
    assert reasons[line] == ["event_id is a number that a spreadsheet has shortened"]


def test_what_says_or_shows_nothing_is_no_key(reasons):
    assert reasons["word for nothing"] == ["event_id is a word for no value"]
    assert reasons["invisible"] == ["event_id is blank"]
    padded = ["event_id begins or ends with what nobody sees"]
    assert reasons["mark of a file"] == reasons["page"] == padded and reasons["spaces"] == []


@pytest.mark.parametrize(
    ("column", "becomes"),
    [
        ("event_id", "upper(event_id)"),
        ("timestamp", "timestamp + INTERVAL 1 DAY"),
        ("event_date", "date_add(event_date, 1)"),
        ("timestamp", "timestamp + INTERVAL 1 SECOND"),
    ],
)
def test_a_function_of_ones_own_that_changes_a_key_or_a_day_is_refused(spark, monkeypatch, column, becomes):
    def own(verb, table):
        return lambda rows: find_table_function(verb, table)(rows).withColumn(column, F.expr(becomes))

    monkeypatch.setattr(clean, "find_table_function", own)
    if "SECOND" in becomes:
        assert reasons_of(spark, SOURCES["iot_events"], {"one": EVENT}) == {"one": []}
    else:
        with pytest.raises(PySparkException) as raised:
            reasons_of(spark, SOURCES["iot_events"], {"one": EVENT})
        outcome = Outcome.of(raised.value)
        assert outcome.message.startswith("clean_iot_events changes event_id or the day of timestamp: leave")
        assert outcome.code == 2, "no retry would help"


def test_keys_of_several_texts_differ_whatever_commas_they_have(spark):
    source = Source("made", "json", "a STRING, b STRING", ("a", "b"))
    keys = spark.createDataFrame([("a,b", "c"), ("a", "b,c"), ("a\\", "b,c")], "a STRING, b STRING")
    written = keys.select(F.concat_ws(",", *[_part_of_key(name, source) for name in source.key]).alias("key"))
    assert [row.key for row in written.collect()] == ["a\\,b,c", "a,b\\,c", "a\\\\,b\\,c"]


def test_a_value_that_does_not_fit_is_named_with_its_column(reasons):
    assert reasons["misfit"] == ["temperature is no DOUBLE"]


def test_an_object_without_records_where_they_should_lie_is_a_malformed_record_that_says_so(reasons):
    assert reasons["without"] == ["malformed record: no records in data"]
    assert reasons["no pack"] == ["malformed record: no record of SenML (it has no name)"]
    assert reasons["broken"] == ["malformed record"]
