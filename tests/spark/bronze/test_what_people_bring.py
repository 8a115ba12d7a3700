"""Documents of JSON, files that are no text, damaged archives, names and dates: one night takes them all.

Each is right in silver, in quarantine with its reason, or set aside with its reason.
"""

import gzip
import json
import os
from datetime import date
from pathlib import Path

import pytest

NIGHT = date(2024, 3, 5)
TABLES = frozenset({"sensor_logs", "climate_hourly", "iot_events", "locations"})
TIME = "2024-03-05 10:00:00"
HEADER = "sensor_id,timestamp,temperature,humidity,location\n"
FLOOR = "dated before 2000-01-01, the earliest that the source allows"
LONG_AGO = "dated long before it arrived"
NO_TIME = ["timestamp is no TIMESTAMP", "no usable timestamp"]
# Clocks that were never set or lost count, and the ends of the calendar: what becomes of each in a source whose rows
# may be of any date (sensor logs), None where the row is good.
CLOCKS: dict[str, list[str] | None] = {
    "1970-01-01 00:03:20": [FLOOR],
    "1999-12-31 23:59:59": [FLOOR],
    "0001-01-01 00:00:00": [FLOOR],
    "2000-01-01 00:00:00": None,
    "2004-07-20 10:00:00": None,
    "9999-12-31 23:59:59.999999": None,
    "200": NO_TIME,
    "292278994": [FLOOR],
    "9223372036854775807": None,
    "292278994-08-17 07:12:55": NO_TIME,
    "0001-01-01T00:00:00+05:00": NO_TIME,
    "9999-12-31T23:59:59-05:00": NO_TIME,
}
FLAGGED = {"2000-01-01 00:00:00", "2004-07-20 10:00:00"}  # the other good ones are of the future


def event(event_id: str | None, timestamp: object = TIME) -> str:
    return json.dumps(
        {"event_id": event_id, "timestamp": timestamp, "device_type": "climate", "sensor_id": "S-1"}
        | {"temperature": 21.4, "status": "active", "json_column": {"a": [1, {"b": 2}]}}
    )


def log(sensor: int, timestamp: str = TIME) -> str:
    return f"{sensor},{timestamp},72.4,41.2,Room_A\n"


WHOLE = gzip.compress((HEADER + log(1)).encode(), mtime=0)
BROUGHT: dict[str, dict[str, str | bytes]] = {
    "iot_events": {
        "array.json": "[\n" + ",\n".join(event(f"array-{n}") for n in range(27)) + "\n]\n",
        "one line.json.gz": gzip.compress(f"[{event('gz-0')},{event('gz-1')}]".encode()),
        "pretty.json": json.dumps(json.loads(event("pretty-0")), indent=2),
        "concatenated.json": f"{event('several-0')}{event('several-1')} {event('several-2')}\n",
        "lines.json": f'{event("lines-0")}\n{{"event_id": "lin\n{event("lines-1")},\n',
        "late.json": "".join(f"{event(f'late-{n}')}\n" for n in range(101)) + f"[{event('late-101')}]\n",
        "latin.jsonl": f"{event('jsonl-0')}\n".encode()
        + event("jsonl-1").replace("S-1", "Büro").encode("latin-1"),
        "latin.json": event("latin").replace("S-1", "Büro").encode("latin-1"),
        "cut.json": f"[\n{event('cut-0')},\n",
        "capture.json": b"Obj\x01\x04\x16avro.schema\x00\x01" + event("avro").encode() + b"\n" * 30,
        "keys.json": f"{event('')}\n{event(chr(9))}\n{event(None)}\n",
        "clocks.json": "".join(f"{event(f'clock {time}', time)}\n" for time in CLOCKS),
        "dos.json": f"[{event('dos-0')},\r\n{event('dos-1')}]\r\n\x1a",
        "dos.jsonl": f"{event('dos-2')}\r\n{event('dos-3')}\r\n\x1a",
        # A text that was cut within a character, in a name and in a value.
        "cut text.jsonl": event("half-0")
        .replace("S-1", r"S-1 \ud83d")
        .replace('"status"', r'"label\ud83d": 1, "status"'),
    },
    "sensor_logs": {
        "book.csv": b"PK\x03\x04\x14\x00[Content_Types].xml\x00xl/workbook.xml\x00\n",
        "padded.csv.gz": WHOLE + bytes(512),
        "2024-03-05T10:00:00.csv": HEADER + log(2),
        os.fsdecode(b"gr\xfcn.csv"): HEADER + log(3),
        "clocks.csv": HEADER + "".join(log(100 + n, time) for n, time in enumerate(CLOCKS)),
        "members.csv.gz": WHOLE + gzip.compress(log(4).encode()),
        "dos.csv": (HEADER + log(5)).replace("\n", "\r\n") + "\x1a",
        "blocks.csv": HEADER + log(6).strip() + "\x1a" * 50,
    },
    "locations": {"padded.json.gz": gzip.compress(b'{"location_id":9020}\n') + bytes(4)},
}
LOOSE = ("2024-03-05T10:00:00.csv", os.fsdecode(b"gr\xfcn.csv"), "capture.json", "padded.csv.gz")
FILES = {
    source: {name if name in LOOSE else f"arrived={NIGHT}/{name}": content for name, content in files.items()}
    for source, files in BROUGHT.items()
}


@pytest.fixture(scope="module")
def read(spark, delivered):
    return lambda name, *columns: spark.table(delivered("verify").table(name)).selectExpr(*columns).collect()


@pytest.fixture(scope="module")
def events(read):
    """Id -> time and flags of the events in silver."""
    rows = read("silver.iot_events", "event_id", "cast(timestamp AS STRING) AS time", "_flags")
    return {row.event_id: (row.time, row._flags) for row in rows}


@pytest.fixture(scope="module")
def quarantined(read):
    """Source and key -> reasons and the value of its time as it came."""
    columns = "source", "key", "reasons", "get_json_object(raw, '$._rescued.timestamp') AS time"
    return {(row.source, row.key): (row.reasons, row.time) for row in read("ops.quarantine", *columns)}


def test_every_account_balances_and_counts_records(read):
    rows = read("ops.row_accounts", "*")
    assert all(row.is_balanced for row in rows)
    landed = {row.source: row.landed for row in rows if row.night == NIGHT and row.source in FILES}
    assert landed == {
        "iot_events": 27 + 2 + 1 + 3 + 3 + 102 + 2 + 3 + 4 + 1 + len(CLOCKS),
        "sensor_logs": len(CLOCKS) + 4,
        "locations": 0,
    }


def test_every_record_of_a_document_is_in_silver(events):
    ids = {f"array-{n}" for n in range(27)} | {"gz-0", "gz-1", "pretty-0", "lines-0", "lines-1"}
    ids |= {f"several-{n}" for n in range(3)} | {f"late-{n}" for n in range(102)} | {"jsonl-0", "half-0"}
    ids |= {f"dos-{n}" for n in range(4)}
    assert {name for name in events if not name.startswith("clock")} == ids


def test_what_is_set_aside_is_said_with_what_it_is_where_and_what_to_do(read):
    names = {name for files in BROUGHT.values() for name in files}
    found = {Path(row.file).name: row.reason for row in read("ops.rejected_files", "*")}
    rejected = {name: reason for name, reason in found.items() if name in names}
    packed = "; pack it anew and bring it again"
    assert rejected == {
        "cut.json": "it is no whole JSON (line 3, column 1: an object is wanted, found the end); "
        "bring an object a line, or an array of objects",
        "latin.json": "line 1 is not UTF-8 (byte 0xFC); save it as UTF-8, or mend the line",
        "capture.json": "it is Avro; bring JSON as text in UTF-8, an object a line or an array of objects",
        "book.csv": "it is Excel (.xlsx); bring CSV as text in UTF-8",
        "padded.csv.gz": f"it is no whole gzip file (something else from byte {len(WHOLE) + 1} on){packed}",
        "padded.json.gz": rejected["padded.json.gz"],
    }
    assert rejected["padded.json.gz"].endswith(packed)


def test_of_a_file_of_lines_the_one_that_is_no_utf8_is_malformed(read):
    rows = read("ops.quarantine", "get_json_object(raw, '$._malformed') AS line", "reasons")
    (row,) = [row for row in rows if row.line and "jsonl-1" in row.line]
    assert row.line == event("jsonl-1").replace("S-1", "B\ufffdro") and row.reasons == ["malformed record"]


def test_files_under_any_name_are_read(read):
    sensors = {row.sensor_id for row in read("silver.sensor_logs", "sensor_id")}
    assert {1, 2, 3, 4, 5, 6} <= sensors


def test_half_a_character_is_read_as_one_that_is_unknown(read):
    (row,) = (row for row in read("silver.iot_events", "event_id", "sensor_id") if row.event_id == "half-0")
    assert row.sensor_id == "S-1 \ufffd"
    fields = {row.field for row in read("ops.schema_drift", "field")}
    assert "label\ufffd" in fields


def test_what_dos_writes_at_the_end_of_a_file_is_part_of_no_row(read):
    rows = read("silver.sensor_logs", "sensor_id", "location")
    assert {row.sensor_id: row.location for row in rows if row.sensor_id in (5, 6)} == {
        5: "Room_A",
        6: "Room_A",
    }


def test_a_key_that_is_blank_is_no_key(quarantined):
    reasons = {key: found for (source, key), (found, _) in quarantined.items() if source == "iot_events"}
    assert reasons[""] in (["event_id is blank"], ["no event_id"])
    assert reasons["\t"] == ["event_id is blank"]


def test_a_clock_that_was_never_set_is_quarantined_or_flagged_and_no_date_stops_a_night(
    events, quarantined, read
):
    flags = {row.sensor_id: row._flags for row in read("silver.sensor_logs", "sensor_id", "_flags")}
    by_sensor = {key.partition(",")[0]: found for (source, key), found in quarantined.items()}
    for sensor, (time, reasons) in enumerate(CLOCKS.items(), 100):
        event = f"clock {time}"
        came = time if reasons == NO_TIME else None  # what the row keeps of it
        if reasons:
            assert by_sensor[str(sensor)] == quarantined["iot_events", event] == (reasons, came), time
        elif time in FLAGGED:
            assert flags[sensor] == [LONG_AGO] and events[event] == (time, [LONG_AGO]), time
        else:
            assert flags[sensor] == [] and len(quarantined["iot_events", event][0]) == 1, time


def test_gold_has_the_hours_of_good_rows_alone(read):
    years = {row.year for row in read("gold.climate_hourly", "year(event_date) AS year")}
    assert years == {2000, 2004, 2024, 2025, 2262, 9999}  # 2025 is that of test_bad_input.py
