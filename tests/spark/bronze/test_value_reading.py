"""One reading of a value, whichever way a line goes: held against a reading of its own in plain Python."""

import base64
import json
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from catalog.clock import Clock, flaw
from catalog.columns import columns_of
from catalog.json_path import Path
from catalog.tables import Source
from jobs.bronze.json_records import records as unpacked
from jobs.bronze.parsing import parse
from jobs.delta.frames import union
from jobs.value_reading import reading
from tests.support.project import PROJECT

RECORDS = 2000
COLUMNS = "i INT, l BIGINT, d DOUBLE, b BOOLEAN, day DATE, at TIMESTAMP, money DECIMAL(10,2), name STRING"
KINDS = columns_of(COLUMNS)
AS_JSON, AS_CSV = (Source(f"made_{format_}", format_, COLUMNS, ("l",)) for format_ in ("json", "csv"))
NOON = datetime(2024, 3, 5, 10, 0)

# Text, type, what it says: as gateways, loggers, hubs and spreadsheets write it.
WRITTEN: list[tuple[str, str, object]] = [
    ("1709632800", "TIMESTAMP", NOON),
    ("1709632800000", "TIMESTAMP", NOON),
    ("1709632800000000", "TIMESTAMP", NOON),
    ("1709632800000000000", "TIMESTAMP", NOON),
    ("1709632800.25", "TIMESTAMP", NOON + timedelta(milliseconds=250)),
    ("45356.4166", "TIMESTAMP", None),  # a spreadsheet's day number, or seconds after a power cut
    ("200", "TIMESTAMP", None),
    ("20240305T100000Z", "TIMESTAMP", NOON),
    ("20240305T110000.5+0100", "TIMESTAMP", NOON + timedelta(milliseconds=500)),
    ("20240305100000", "TIMESTAMP", NOON),
    ("20241305100000", "TIMESTAMP", None),
    ("20240305100000123", "TIMESTAMP", None),
    ("2024030510000012", "TIMESTAMP", None),  # a day with hundredths of a second, or microseconds of 2034
    ("202403051000001", "TIMESTAMP", None),
    ("202403051000", "TIMESTAMP", None),  # a day with hour and minute, or milliseconds of 1976
    ("2024030510", "TIMESTAMP", None),  # a day with its hour, or seconds of 2034
    ("638452296000000000", "TIMESTAMP", None),  # 100 nanoseconds since the year 1
    ("133541208000000000", "TIMESTAMP", None),  # since 1601
    ("000000001709632800", "TIMESTAMP", None),
    ("946684800", "TIMESTAMP", datetime(2000, 1, 1)),
    ("946684800000", "TIMESTAMP", datetime(2000, 1, 1)),
    ("2024-03-05T10:00:00Z", "TIMESTAMP", NOON),
    ("2024-03-05 11:00:00 +01:00", "TIMESTAMP", NOON),
    ("2024-03-05T11:00:00.000+0100", "TIMESTAMP", NOON),
    ("2024-03-05 10:00", "TIMESTAMP", NOON),
    ("2024-03-05 10:00:00 UTC", "TIMESTAMP", NOON),
    ("2024-03-05T10:00Z", "TIMESTAMP", NOON),  # Java leaves out seconds that are zero
    ("2024-03-05T11:00+01:00", "TIMESTAMP", NOON),
    ("2024-03-05 11:00 +01", "TIMESTAMP", NOON),
    ("2024-03-05t10:00:00z", "TIMESTAMP", NOON),
    ("2024/3/05 10:00:00", "TIMESTAMP", NOON),
    ("2024/03/05", "DATE", date(2024, 3, 5)),
    ("05/03/2024 10:00:00", "TIMESTAMP", None),
    ("05.03.2024 10:00:00", "TIMESTAMP", None),
    ("2024-03-05 10:00:00 AM", "TIMESTAMP", None),
    ("2024-03-05T24:00:00Z", "TIMESTAMP", None),
    ("2024-06-30T23:59:60Z", "TIMESTAMP", None),
    ("2024-W10-2T10:00:00Z", "TIMESTAMP", None),
    ("0000-00-00 00:00:00", "TIMESTAMP", None),
    ("1.70963E+09", "TIMESTAMP", None),  # of which digits are lost
    ("2024-03-05 10:00:00 BST", "TIMESTAMP", None),
    ("2024-03-05 10:00:00 CEST", "TIMESTAMP", None),
    ("2024-03-05 10:00:00 Europe/Berlin", "TIMESTAMP", None),
    ("10:00:00", "TIMESTAMP", None),
    ("+10000-01-01 00:00:00", "TIMESTAMP", None),
    ("0000-01-01 00:00:00", "TIMESTAMP", None),
    ("2024-02-30 00:00:00", "TIMESTAMP", None),
    ("2024-03-05 10:00:00+00", "TIMESTAMP", NOON),
    ("2024-03-05 11:00:00.5+01", "TIMESTAMP", NOON + timedelta(milliseconds=500)),
    ("301.0", "INT", 301),
    ("301.00", "BIGINT", 301),
    ("1301.000", "INT", 1301),
    ("12.000", "INT", None),  # twelve, or twelve thousand
    ("-301.000", "BIGINT", None),
    ("12.000", "DECIMAL(10,2)", Decimal(12)),
    ("3.4028235E38", "DOUBLE", None),  # of a sensor that is not there
    ("-3.4028234663852886e+38", "DOUBLE", None),
    ("3.4e38", "DOUBLE", 3.4e38),
    ("2024-03-05", "DATE", date(2024, 3, 5)),
    ("20240305", "DATE", date(2024, 3, 5)),
    ("2024-03-05 00:00:00", "DATE", date(2024, 3, 5)),
    ("2024-03-05T00:00:00.000Z", "DATE", date(2024, 3, 5)),
    ("2024-03-04T23:00:00.000Z", "DATE", None),
    ("2024-03-05 10:00:00", "DATE", None),
    ("ON", "BOOLEAN", True),
    ("off", "BOOLEAN", False),
    ("1.0", "BOOLEAN", True),
    ("0.0", "BOOLEAN", False),
    ("0.5", "BOOLEAN", None),
    ("open", "BOOLEAN", None),
    ("19372", "DATE", None),
    ("20241305", "DATE", None),
    ("301", "BIGINT", 301),
    ("301.0", "BIGINT", 301),
    ("301.9", "BIGINT", None),
    ("1e3", "BIGINT", None),
    ("true", "BIGINT", None),
    ("99999999999999999999", "BIGINT", None),
    ("2147483648", "INT", None),
    ("21.5", "DOUBLE", 21.5),
    ("-2.15e1", "DOUBLE", -21.5),
    ("21,5", "DOUBLE", None),
    ("false", "DOUBLE", None),
    ("NaN", "DOUBLE", None),
    ("Infinity", "DOUBLE", None),
    ("1e999", "DOUBLE", None),
    ("21.5d", "DOUBLE", None),
    ("12.50", "DECIMAL(10,2)", Decimal("12.50")),
    ("12.505", "DECIMAL(10,2)", None),
    ("12.5000000000000000000000", "DECIMAL(10,2)", Decimal("12.5")),
    ("1.25e1", "DECIMAL(10,2)", Decimal("12.5")),
    ("125E-1", "DECIMAL(10,2)", Decimal("12.5")),
    ("1e-30", "DECIMAL(10,2)", None),
    ("100000000", "DECIMAL(10,2)", None),
    (
        "123456789012345678901234567890123456.78",
        "DECIMAL(38,2)",
        Decimal("123456789012345678901234567890123456.78"),
    ),
    ("1.005", "DECIMAL(38,2)", None),
    ("0.12345678901234567890", "DECIMAL(38,20)", Decimal("0.12345678901234567890")),
    (".", "DECIMAL(38,2)", None),
    ("  ", "DOUBLE", None),
    (" 21.5 ", "DOUBLE", 21.5),
    (" as it is ", "STRING", " as it is "),
]


# Text, zone of the source, what it says.
LOCAL: list[tuple[str, str, object]] = [
    ("2024-03-05 11:00:00", "Europe/Berlin", NOON),
    ("2024-07-05 12:00", "Europe/Berlin", datetime(2024, 7, 5, 10, 0)),
    ("2024-03-05", "Europe/Berlin", datetime(2024, 3, 4, 23, 0)),
    ("2024-03-05T10:00:00Z", "Europe/Berlin", NOON),
    ("2024-03-05 15:00:00+05:00", "Europe/Berlin", NOON),
    ("1709632800", "Europe/Berlin", NOON),
    ("2024-03-31 01:59:59,5", "Europe/Berlin", datetime(2024, 3, 31, 0, 59, 59, 500_000)),
    ("2024-03-31 02:00:00", "Europe/Berlin", None),  # no clock shows it
    ("2024-03-31 02:59:59", "Europe/Berlin", None),
    ("2024-03-31 03:00:00", "Europe/Berlin", datetime(2024, 3, 31, 1, 0)),
    ("2024-10-27 01:59:59", "Europe/Berlin", datetime(2024, 10, 26, 23, 59, 59)),
    ("2024-10-27 02:00:00", "Europe/Berlin", None),  # clocks show it twice
    ("2024-10-27 02:59:59", "Europe/Berlin", None),
    ("2024-10-27 02:30:00+01:00", "Europe/Berlin", datetime(2024, 10, 27, 1, 30)),
    ("2024-10-27 03:00:00", "Europe/Berlin", datetime(2024, 10, 27, 2, 0)),
    ("2024-04-07 01:45:00", "Australia/Lord_Howe", None),  # changed by half an hour
    ("2024-04-07 02:00:00", "Australia/Lord_Howe", datetime(2024, 4, 6, 15, 30)),
    ("2011-12-30 12:00:00", "Pacific/Apia", None),  # a day that was left out
    ("2011-12-31 00:00:00", "Pacific/Apia", datetime(2011, 12, 30, 10, 0)),
    ("2024-10-27 02:30:00", "+01:00", datetime(2024, 10, 27, 1, 30)),
    ("20240305110000", "Europe/Berlin", NOON),
    ("20240305T100000Z", "Europe/Berlin", NOON),
    ("9999-12-31 23:00:00", "America/New_York", None),
]


GERMAN, AMERICAN = (
    ("dd.MM.yyyy HH:mm", "d.M.yy H:mm:ss.SSS", "dd.MM.yyyy"),
    ("MM/dd/yy hh:mm:ss a", "M/d/yyyy"),
)
# Text, type, zone and patterns of the source, what it says.
PATTERNS: list[tuple[str, str, str, tuple[str, ...], object]] = [
    ("05.03.2024 10:00", "TIMESTAMP", "UTC", GERMAN, NOON),
    (" 05.03.2024 11:00 ", "TIMESTAMP", "Europe/Berlin", GERMAN, NOON),
    ("5.3.24 9:05:07.25", "TIMESTAMP", "UTC", GERMAN, datetime(2024, 3, 5, 9, 5, 7, 250_000)),
    ("31.03.2024 02:30", "TIMESTAMP", "Europe/Berlin", GERMAN, None),  # no clock shows it
    ("2024-03-05 10:00:00", "TIMESTAMP", "UTC", GERMAN, None),  # what the source does not write
    ("1709632800", "TIMESTAMP", "UTC", GERMAN, None),
    ("30.02.2024 10:00", "TIMESTAMP", "UTC", GERMAN, None),
    ("05.03.2024 10:00 Uhr", "TIMESTAMP", "UTC", GERMAN, None),
    ("05.03.2024", "TIMESTAMP", "UTC", GERMAN, None),
    ("05.03.2024", "DATE", "Europe/Berlin", GERMAN, date(2024, 3, 5)),
    ("2024-03-05", "DATE", "UTC", GERMAN, None),
    ("2024-03-05", "DATE", "UTC", GERMAN[:1], date(2024, 3, 5)),  # of days it says nothing
    ("21.5", "DOUBLE", "UTC", GERMAN, 21.5),
    ("03/05/24 10:00:00 AM", "TIMESTAMP", "UTC", AMERICAN, NOON),
    ("03/05/24 10:00:00 pm", "TIMESTAMP", "UTC", AMERICAN, datetime(2024, 3, 5, 22, 0)),
    ("03/05/24 12:00:00 AM", "TIMESTAMP", "UTC", AMERICAN, datetime(2024, 3, 5)),
    ("13/05/24 10:00:00 AM", "TIMESTAMP", "UTC", AMERICAN, None),
    ("3/5/2024", "DATE", "UTC", AMERICAN, date(2024, 3, 5)),
    ("05-Mar-2024 10:00+0000", "TIMESTAMP", "Europe/Berlin", ("dd-MMM-yyyy HH:mmXX",), NOON),
    ("20240305 1000", "TIMESTAMP", "UTC", ("yyyyMMdd HHmm",), NOON),
    ("2024030510", "TIMESTAMP", "UTC", ("yyyyMMddHH",), NOON),  # of full hours
    ("2024030524", "TIMESTAMP", "UTC", ("yyyyMMddHH",), None),
    ("3/5/2024 10 AM", "TIMESTAMP", "UTC", ("M/d/yyyy h a",), NOON),
    ("05/03/2024 10:00", "TIMESTAMP", "UTC", ("dd/MM/yyyy HH:mm", "MM/dd/yyyy HH:mm"), None),  # May or March
    (
        "05/05/2024 10:00",
        "TIMESTAMP",
        "UTC",
        ("dd/MM/yyyy HH:mm", "MM/dd/yyyy HH:mm"),
        datetime(2024, 5, 5, 10),
    ),
    ("2024-03-05 um 10h00", "TIMESTAMP", "UTC", ("yyyy-MM-dd 'um' HH'h'mm",), NOON),
    ("01.01.0001 00:00", "TIMESTAMP", "Europe/Berlin", GERMAN, None),
]


@pytest.fixture(scope="module")
def said(spark):
    """Text and type -> how it is read, all by one query."""
    texts = spark.createDataFrame(
        [(number, text) for number, (text, _, _) in enumerate(WRITTEN)], "n INT, t STRING"
    )
    kinds = list(dict.fromkeys(kind for _, kind, _ in WRITTEN))
    read = texts.select("n", *[reading(F.col("t"), kind).alias(kind) for kind in kinds]).collect()
    return {WRITTEN[row.n][:2]: row[WRITTEN[row.n][1]] for row in read}


@pytest.mark.parametrize(("text", "kind", "meant"), WRITTEN)
def test_a_value_is_read_as_it_was_meant_or_not_at_all(said, text, kind, meant):
    assert said[text, kind] == meant


def test_a_time_without_a_zone_is_local_where_the_source_says_so_unless_clocks_show_it_twice_or_never(spark):
    texts = spark.createDataFrame([(text,) for text, _, _ in LOCAL], "t STRING").distinct()
    zones = list(dict.fromkeys(zone for _, zone, _ in LOCAL))
    columns = [reading(F.col("t"), "TIMESTAMP", Clock(zone)).alias(zone) for zone in zones]
    found = {row.t: row for row in texts.select("t", *columns).collect()}
    assert [(text, zone, found[text][zone]) for text, zone, _ in LOCAL] == LOCAL


def test_times_and_days_are_read_as_the_source_says_that_it_writes_them(spark):
    texts = spark.createDataFrame(
        [(number, text) for number, (text, *_) in enumerate(PATTERNS)], "n INT, t STRING"
    )
    ways = list(dict.fromkeys((kind, Clock(zone, times)) for _, kind, zone, times, _ in PATTERNS))
    columns = [reading(F.col("t"), kind, clock).alias(str(at)) for at, (kind, clock) in enumerate(ways)]
    read = {row.n: row for row in texts.select("n", *columns).collect()}
    found = [
        (text, kind, zone, times, read[number][str(ways.index((kind, Clock(zone, times))))])
        for number, (text, kind, zone, times, _) in enumerate(PATTERNS)
    ]
    assert found == PATTERNS
    clocks = [Clock(zone, times) for _, _, zone, times, _ in PATTERNS]
    assert [flaw(pattern) for clock in clocks for pattern in clock.times if flaw(pattern)] == []


# What Hypothesis makes records of: of each column what fits it as devices write it, and what they write instead.
MOMENTS = st.integers(10**14, 4 * 10**15)  # microseconds since 1970
WHOLE = st.integers(-(10**9), 10**9) | st.integers(-(10**21), 10**21)
FRACTIONS = st.integers(-(10**9), 10**9).map(lambda number: number / 64)
DIGITS = st.builds("{:+010.{}f}".format, st.integers(-(10**5), 10**5), st.integers(0, 4))
TEXTS = st.lists(
    st.sampled_from([*'"\\,;}]{[:# \tü\u2028\U0001f600\ufffdux1', "\\ud83d", "null", '""', "}]"]), max_size=4
).map("".join)
COUNTS = st.builds(int.__floordiv__, MOMENTS, st.sampled_from([10**6, 10**3, 1])) | MOMENTS.map(
    lambda micros: micros * 1000 + 7
)
ODD = WHOLE | st.sampled_from([None, True, False, "", " ", "x", 0, 1, 2.5, "7.0", 1e30, [1], {"a": 1}])
TIMES = ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%S+05:30"]
OTHER_TIMES = ["%Y-%m-%d %H:%M:%S BST", "%d.%m.%Y", "%H:%M:%S", "%Y%m%d%H%M%S", "%Y%m%d%H"]
DAYS = ["%Y-%m-%d", "%Y%m%d", "%Y-%m-%d 00:00:00", "%Y-%m-%d %H:%M:%S", "%Y%m%dT%H%M%SZ"]


def _written(patterns: list[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda micros, pattern: f"{_at(micros):{pattern}}", MOMENTS, st.sampled_from(patterns))


def _at(micros: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(microseconds=micros)


NUMBERS = WHOLE | FRACTIONS | DIGITS | WHOLE.map(str) | COUNTS
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "i": NUMBERS,
    "l": NUMBERS | WHOLE.map(float),
    "d": NUMBERS | st.floats(allow_nan=False, allow_infinity=False) | FRACTIONS.map(str),
    "b": st.sampled_from([True, False, "true", "Y", "0", 1, 0.0, "1.0"]),
    "day": _written([*DAYS, *TIMES]),
    "at": _written([*TIMES, *OTHER_TIMES]) | COUNTS | COUNTS.map(str) | FRACTIONS,
    "money": NUMBERS | st.integers(-(10**10), 10**10).map(lambda cents: cents / 100),
    "name": TEXTS,
}
SAID = {(text, kind): meant for text, kind, meant in WRITTEN}


def _values(name: str) -> st.SearchStrategy[Any]:
    texts = [text for text, kind, _ in WRITTEN if kind == KINDS[name]]
    return FITTING[name] | FITTING[name] | st.sampled_from(texts) | ODD


def read_in_python(value: Any, kind: str) -> Any:
    """What a value says for a type; None where it says nothing that is sure."""
    if value is None or (kind != "STRING" and isinstance(value, (list, dict))):
        return None
    text = _text(value)
    if kind == "STRING" and isinstance(value, float):  # the parser's own words for a number
        return {2.5: "2.5", 1e30: "1.0E30"}[value]
    if kind == "STRING":
        return text
    if isinstance(value, str) and (value, kind) in SAID:
        return SAID[value, kind]
    text = text.strip(" ")
    if kind == "BOOLEAN":
        known = dict.fromkeys(["true", "t", "yes", "y", "on", "1", "1.0"], True) | dict.fromkeys(
            ["false", "f", "no", "n", "off", "0", "0.0"], False
        )
        return known.get(text.lower())
    if kind in ("DATE", "TIMESTAMP"):
        return _day(text) if kind == "DATE" else _moment(text)
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return None
    number = Decimal(text)
    if kind == "DOUBLE":
        return float(number) if abs(float(number)) < 3.4028234e38 else None
    if kind.startswith("DECIMAL"):
        return number if abs(number) < 10**8 and Fraction(text) * 100 % 1 == 0 else None
    # Twelve or twelve thousand; and of what has an exponent, digits may be lost.
    if re.fullmatch(r"[+-]?\d{1,3}\.000", text) or "e" in text.lower():
        return None
    bound = 2**31 if kind == "INT" else 2**63
    return int(number) if Fraction(text) % 1 == 0 and -bound <= int(number) < bound else None


def _day(text: str) -> date | None:
    found = re.fullmatch(r"(\d{4})(-?)(\d\d)\2(\d\d)(?P<midnight>[ T]00:00:00(\.0+)?Z?)?", text)
    if not found or (found["midnight"] and not found[2]):
        return None
    try:
        return date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    if re.fullmatch(r"\d{14}", text) or re.fullmatch(
        r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d(\.\d{6})?(Z|[+-]\d\d:\d\d)?)?", text
    ):
        try:
            found = (
                datetime.strptime(text, "%Y%m%d%H%M%S") if text.isdigit() else datetime.fromisoformat(text)
            )
        except ValueError:
            return None
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    counted = re.fullmatch(r"([1-9]\d*)(\.\d{1,9})?", text)
    power = {9: 0, 10: 0, 12: 3, 13: 3, 15: 6, 16: 6, 19: 9}.get(len(counted[1])) if counted else None
    if power is None or _may_be_a_day(text):
        return None
    return datetime(1970, 1, 1) + timedelta(microseconds=int(Fraction(text) * 10**6 / 10**power))


def _may_be_a_day(digits: str) -> bool:
    """Whether a count may be a day of this century with its hour, or with that and more."""
    if not re.fullmatch(r"20\d{8}(\d\d(\d\d\d+)?)?", digits):
        return False
    month, day, hour, minute, second = (int(digits[at : at + 2] or 0) for at in (4, 6, 8, 10, 12))
    return 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    """Hypothesis's examples of records, the same in each run; Spark reads them all by one query."""
    made: list[dict[str, Any]] = []

    @settings(
        max_examples=RECORDS,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.fixed_dictionaries({name: _values(name) for name in KINDS}))
    def collect(record: dict[str, Any]) -> None:
        made.append(record)

    collect()
    assert len(made) == RECORDS
    return made


def parsed(spark, lines: list[str], source: Source) -> list[Any]:
    """The rows of some lines, in order."""
    frame = spark.createDataFrame(list(enumerate(lines)), "n INT, value STRING")
    rows = parse(frame, source).withColumn("_rescued", F.col("_rescued").cast("string"))
    return rows.orderBy("n").collect()


def assert_read(
    rows: list[Any],
    records: list[dict[str, Any]],
    own: tuple[str, ...] = (),
    places: Mapping[str, str] = {name: name for name in KINDS},
) -> None:
    """Every field is what plain Python reads; what is not read is kept under its place, and nothing else but `own`."""
    for row, record in zip(rows, records, strict=True):
        assert row._malformed is None
        meant = {name: read_in_python(record[name], kind) for name, kind in KINDS.items()}
        assert {name: row[name] for name in KINDS} == meant, record
        is_blank = {name: str(value).strip(" ") == "" for name, value in record.items()}
        kept = {
            name
            for name, value in record.items()
            if meant[name] is None and value is not None and not is_blank[name]
        }
        assert set(json.loads(row._rescued or "{}")) == {places[name] for name in kept} | set(own), record


def test_a_json_line_is_read_the_same_by_the_schema_and_field_by_field(spark, records):
    whole = parsed(spark, [_text(record) for record in records], AS_JSON)
    assert_read(whole, records)
    # A field that no column knows sends each line the careful way.
    careful = parsed(spark, [_text(record | {"extra": 1}) for record in records], AS_JSON)
    assert_read(careful, records, ("extra",))


# Where columns may lie: under other names, in objects and arrays, behind names that have a dot, blanks or a dash.
RENAMED = {"i": "i [1]", "l": "the l", "d": "d-1", "b": "$b", "day": "a.day", "at": "time", "money": "sum`s"}
DEEP = {
    "i": "a.i",
    "l": "a['x.l']",
    "d": "list[1].d",
    "b": "B-c.deep.b",
    "day": "['a.i']",
    "at": "list[0].at",
    "money": "a.sums[1]",
    "name": "B-c.its name",
}


# And in the document around records.
AROUND = {
    "i": "$.gw.i",
    "l": "l",
    "d": "$.deep['in'].d",
    "b": "['$.b']",
    "day": "$['a.day']",
    "at": "time.at",
    "money": "$.sums[1]",
    "name": "$.deep.its name",
}


# And in texts of JSON within JSON, plain or in base64.
IN_TEXTS = {
    "i": "data.i",
    "l": "Body.l",
    "d": "a.msg.d",
    "b": "rx[0].b",
    "day": "data.day",
    "at": "Body.at",
    "money": "a.msg.sums[1]",
    "name": "a.msg.its name",
}


def with_names(places: Mapping[str, str], records: str = "") -> Source:
    names = tuple((place, name) for name, place in places.items() if place != name)
    return Source("made", "json", COLUMNS, ("l",), names=names, records=records)


def deep(record: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A record with its values where DEEP has them."""
    return {
        "a": {"i": record["i"], "x.l": record["l"], "sums": [None, record["money"]]},
        "a.i": record["day"],
        "list": [{"at": record["at"]}, {"d": record["d"]}],
        "B-c": {"deep": {"b": record["b"]}, "its name": record["name"]},
    } | more


def around(record: Mapping[str, Any]) -> dict[str, Any]:
    """A document of one record, with values where AROUND has them."""
    inside = {"l": record["l"], "time": {"at": record["at"]}, "$.b": record["b"]}
    return {
        "deep": {"in": {"rows": [inside], "d": record["d"], "n": 1}, "its name": record["name"]},
        "gw": {"i": record["i"], "version": 2},
        "a.day": record["day"],
        "sums": [None, record["money"]],
    }


def in_texts(record: Mapping[str, Any], number: int) -> dict[str, Any]:
    """A record with its values where IN_TEXTS has them; every third has objects instead of strings."""
    written = _text if number % 3 else lambda value: value
    body = {"l": record["l"], "at": record["at"]}
    message = {"d": record["d"], "sums": [None, record["money"]], "its name": record["name"]}
    return {
        "a": written({"msg": written(message), "more": 1}),
        "data": written({"i": record["i"], "day": record["day"]}),
        "Body": base64.b64encode(_text(body).encode()).decode() if number % 3 == 1 else written(body),
        "rx": written([{"b": record["b"]}]),
    }


def test_a_value_is_read_the_same_wherever_it_lies(spark, records):
    few = records[:500]
    places = {name: str(Path((RENAMED.get(name, name),))) for name in KINDS}
    renamed = [{RENAMED.get(name, name): value for name, value in record.items()} for record in few]
    assert_read(parsed(spark, [_text(each) for each in renamed], with_names(places)), few, places=places)
    # A field that no column knows sends each line the careful way.
    lines = [_text(each | {"name.": 1}) for each in renamed]
    assert_read(parsed(spark, lines, with_names(places)), few, ("['name.']",), places)
    lines = [_text(deep(record, more={"i": 1})) for record in few]
    assert_read(parsed(spark, lines, with_names(DEEP)), few, ("more", "a.sums[0]"), DEEP)
    source = with_names(AROUND, "deep.in.rows")
    lines = [*unpacked("".join(_text(around(record)) for record in few), source.records, source.around)]
    places = AROUND | {"d": "$.deep.in.d"}
    assert_read(parsed(spark, lines, source), few, ("$.gw.version", "$.sums[0]"), places)
    lines = [_text(in_texts(record, number)) for number, record in enumerate(few)]
    assert_read(parsed(spark, lines, with_names(IN_TEXTS)), few, ("a.more", "a.msg.sums[0]"), IN_TEXTS)


def with_text(**members: Any) -> str:
    return json.dumps(members)


def test_what_has_no_value_at_its_path_is_null_and_all_that_came_is_kept(spark):
    source = Source(
        "made",
        "json",
        "id STRING, t DOUBLE, r INT, extra VARIANT, x INT",
        ("id",),
        names=(
            ("o.id", "id"),
            ("o.t", "t"),
            ("o['a.t']", "t"),
            ("rx[0].r", "r"),
            ("w", "extra"),
            ("v", "extra"),
            ("v.x", "x"),
        ),
    )
    found = {
        '{"o":{"id":"A","t":1.5},"rx":[{"r":-7}],"v":{"x":1,"y":2}}': ("A", 1.5, -7, 1, {}),
        "{}": (None, None, None, None, {}),
        '{"o":null,"rx":[],"v":null}': (None, None, None, None, {}),
        '{"o":{},"rx":[null]}': (None, None, None, None, {}),
        '{"v":null,"w":[1]}': (None, None, None, None, {}),
        # The first path that has a value has it; what else there is, is kept.
        '{"o":{"a.t":2.5}}': (None, 2.5, None, None, {}),
        '{"o":{"t":1.5,"a.t":2.5}}': (None, 1.5, None, None, {"o['a.t']": 2.5}),
        '{"o":{"t":"warm","a.t":2.5}}': (None, 2.5, None, None, {"o.t": "warm"}),
        # A name with a dot is no path, nor the other way round.
        '{"o.t":1.5,"o":{"a":{"t":2}},"o\'s":1}': (None,) * 4
        + ({"['o.t']": 1.5, "o.a": {"t": 2}, "['o\\'s']": 1},),
        # What lies in the way.
        '{"o":"id","rx":{"r":1},"v":[1]}': (None,) * 4 + ({"o": "id", "rx": {"r": 1}, "v": [1]},),
        '{"v":"text","w":[1]}': (None, None, None, None, {"v": "text"}),
        '{"o":{"id":{"t":1}},"rx":[5,{"r":1}],"v":{"x":"one"}}': (None,) * 4
        + ({"o.id": {"t": 1}, "rx[0]": 5, "rx[1]": {"r": 1}, "v.x": "one"},),
        '{"o":{"id":301.0},"rx":[{"r":1,"s":2}]}': ("301", None, 1, None, {"rx[0].s": 2}),
        # What is JSON within a text, whole and nothing else.
        with_text(o='{"id":"A","t":1.5}', rx='[{"r":-7}]', v={"x": 1}): ("A", 1.5, -7, 1, {}),
        with_text(o=' {"id":301.0, "s":{}}\n', rx=['{"r":-7,"s":1}']): (
            "301",
            None,
            -7,
            None,
            {"o.s": {}, "rx[0].s": 1},
        ),
        with_text(o='{"id":"A","t":NaN}', rx="[]"): ("A", None, None, None, {"o.t": "NaN"}),
        with_text(o="eyJpZCI6IsOEIn0="): ("\u00c4", None, None, None, {}),
        with_text(o="{}", rx=" "): (None, None, None, None, {}),
        with_text(o='{"id":"A\\ud83d","t":1.5}'): (None, 1.5, None, None, {"o.id": "A\ufffd"}),
        **{
            with_text(o=text): (None,) * 4 + ({"o": text},)
            for text in (
                *('{"id":"A"} x', '{"id":"A"}}', '{"id":"A"}]', '{"id":"A"},{}', '{"id":"A"', '{"id":"A",}'),
                *('{"id":"A","id":"B"}', "[1]", '"{}"', "eyJpZCI6", "SGVsbG8="),
            )
        },
    }
    rows = parsed(spark, [*found], source)
    assert [(row.id, row.t, row.r, row.x, json.loads(row._rescued or "{}")) for row in rows] == [
        *found.values()
    ]
    assert [row._malformed for row in rows] == [None] * len(found)
    extras = {at: row.extra.toJson() for at, row in enumerate(rows) if row.extra is not None}
    assert (extras[0], extras[4], 2 in extras) == ('{"x":1,"y":2}', "[1]", False)


def test_a_day_and_a_time_at_places_of_their_own_are_one_instant_or_none(spark):
    places = (("day", "at"), ("clock.time", "at"))
    sent: dict[str, tuple[object, dict[str, object]]] = {
        '{"id":1,"day":"2024-03-05","clock":{"time":"10:00:00"}}': (NOON, {}),
        '{"id":2,"day":" 2024/3/5","clock":{"time":"10:00:00Z"},"x":1}': (NOON, {"x": 1}),
        '{"id":3,"day":"2024-03-05","clock":{"time":null}}': (None, {"day": "2024-03-05"}),
        '{"id":4,"day":"2024-03-05","clock":{"time":" "}}': (None, {"day": "2024-03-05"}),
        '{"id":5,"clock":{"time":"10:00:00"}}': (None, {"clock.time": "10:00:00"}),
        '{"id":6,"day":"2024-03-05","clock":{"time":"25:00"}}': (
            None,
            {"day": "2024-03-05", "clock.time": "25:00"},
        ),
        # Or one of them has all of it.
        '{"id":7,"day":"2024-03-05T10:00:00Z"}': (NOON, {}),
        '{"id":8,"day":null,"clock":{"time":1709632800}}': (NOON, {}),
        '{"id":9,"day":"2024-03-05 00:00:00"}': (datetime(2024, 3, 5), {}),
        '{"id":10,"day":"2024-03-05T10:00:00Z","clock":{"time":1709632801}}': (
            NOON,
            {"clock.time": 1709632801},
        ),
    }
    source = Source("made", "json", "id INT, at TIMESTAMP", ("id",), names=places)
    rows = parsed(spark, [*sent], source)
    assert [(row.at, json.loads(row._rescued or "{}")) for row in rows] == [*sent.values()]
    german = Source(
        "made", "json", "id INT, at TIMESTAMP", ("id",), names=places, times=("dd.MM.yyyy HH:mm",)
    )
    lines = ['{"id":1,"day":"05.03.2024","clock":{"time":"10:00"}}', '{"id":2,"day":"05.03.2024"}']
    assert [row.at for row in parsed(spark, lines, german)] == [NOON, None]


PAGE = (PROJECT / "docs/your-own-data.md").read_text()
UPLINK = "device STRING, at TIMESTAMP, t DOUBLE, rssi INT"
# What devices and hubs write, with where their columns lie, and what is read: device, time, temperature, RSSI.
SENT: list[tuple[dict[str, str], str, tuple[object, ...]]] = [
    (
        {"deviceInfo.devEui": "device", "time": "at", "object.temperature": "t", "rxInfo[0].rssi": "rssi"},
        '{"deduplicationId":"3ac7e3c4","time":"2024-03-05T10:00:00.775023242+00:00","deviceInfo":{"tenantName":'
        '"ChirpStack","deviceName":"WC","devEui":"0101010101010101","tags":{}},"devAddr":"00189440","dr":1,"fPort":1,'
        '"data":"qg==","object":{"temperature":21.5,"humidity":40},"rxInfo":[{"gatewayId":"0016c001f153a14c","rssi":-57,'
        '"snr":10.5},{"gatewayId":"0016c001f153a14d","rssi":-36}],"txInfo":{"frequency":868300000}}',
        ("0101010101010101", NOON + timedelta(microseconds=775023), 21.5, -57),
    ),
    (
        {"end_device_ids.device_id": "device", "uplink_message.received_at": "at"}
        | {"uplink_message.decoded_payload.temperature": "t", "uplink_message.rx_metadata[0].rssi": "rssi"},
        '{"end_device_ids":{"device_id":"dev1","application_ids":{"application_id":"app1"}},"received_at":'
        '"2024-03-05T10:00:01.5Z","uplink_message":{"f_port":1,"decoded_payload":{"temperature":-1.0},"rx_metadata":'
        '[{"gateway_ids":{"gateway_id":"gtw1"},"rssi":-35}],"received_at":"2024-03-05T10:00:00Z"}}',
        ("dev1", NOON, -1.0, -35),
    ),
    (
        {"Time": "at", "DS18B20.Temperature": "t", "AM2301.Temperature": "t", "Wifi['RSSI.dBm']": "rssi"}
        | {"Topic": "device"},
        '{"Topic":"tele/cellar","Time":"2024-03-05T10:00:00","AM2301":{"Temperature":19.1,"Humidity":60.2},'
        '"TempUnit":"C","Wifi":{"RSSI":100}}',
        ("tele/cellar", NOON, 19.1, None),
    ),
    (
        {
            "SystemProperties.iothub-connection-device-id": "device",
            "EnqueuedTimeUtc": "at",
            "Body.temperature": "t",
        },
        '{"EnqueuedTimeUtc":"2024-03-05T10:00:00.0000000Z","Properties":{},"SystemProperties":'
        '{"iothub-connection-device-id":"th-7","iothub-content-type":"application/json"},"Body":{"temperature":"21.5"}}',
        ("th-7", NOON, 21.5, None),
    ),
    (
        {"objectJSON.temperature": "t", "devEUI": "device", "publishedAt": "at", "rxInfo[0].rssi": "rssi"},
        '{"applicationID":"1","deviceName":"th","devEUI":"AQEBAQEBAQE=","rxInfo":[{"gatewayID":"ABbAAfFToUw=","rssi":-57}],'
        '"fPort":2,"data":"qg==","objectJSON":"{\\"temperature\\":21.5,\\"humidity\\":40}","publishedAt":'
        '"2024-03-05T10:00:00.5Z"}',
        ("AQEBAQEBAQE=", NOON + timedelta(milliseconds=500), 21.5, -57),
    ),
    (
        {
            "SystemProperties.connectionDeviceId": "device",
            "EnqueuedTimeUtc": "at",
            "Body.temperature": "t",
        },
        '{"EnqueuedTimeUtc":"2024-03-05T10:00:00.0000000Z","Properties":{},"SystemProperties":{"connectionDeviceId":'
        '"th-7","connectionAuthMethod":"{\\"scope\\":\\"device\\",\\"type\\":\\"sas\\"}"},"Body":'
        '"eyJ0ZW1wZXJhdHVyZSI6MjEuNX0="}',
        ("th-7", NOON, 21.5, None),
    ),
    (
        {"body.Message.device.id": "device", "body.Timestamp": "at", "body.Message.temp": "t"},
        json.dumps(
            {
                "messageId": "059f36b4",
                "eventSource": "aws:sqs",
                "body": json.dumps(
                    {
                        "Type": "Notification",
                        "Timestamp": "2024-03-05T10:00:00.250Z",
                        "Message": json.dumps({"device": {"id": "pump \u00c4"}, "temp": 21.5}),
                    }
                ),
            }
        ),
        ("pump \u00c4", NOON + timedelta(milliseconds=250), 21.5, None),
    ),
    (
        {"src": "device", "params.ts": "at", "params['temperature:0'].tC": "t", "params.wifi.rssi": "rssi"},
        '{"src":"shellyplusht-a8032abe","method":"NotifyFullStatus","params":{"ts":1709632800.25,"temperature:0":'
        '{"id":0,"tC":22.5,"tF":72.4},"wifi":{"ssid":"net","rssi":-48}}}',
        ("shellyplusht-a8032abe", NOON + timedelta(milliseconds=250), 22.5, -48),
    ),
    (
        {"linkquality": "rssi", "last_seen": "at", "device.friendlyName": "device", "temperature": "t"},
        '{"battery":100,"last_seen":1709632800000,"linkquality":120,"temperature":20.25,"device":{"friendlyName":"hall"}}',
        ("hall", NOON, 20.25, 120),
    ),
    (
        {"entity_id": "device", "last_changed": "at", "state": "t"},
        '{"entity_id":"sensor.hall","state":"20.5","attributes":{"unit_of_measurement":"°C"},"last_changed":'
        '"2024-03-05T10:00:00.000001+00:00"}',
        ("sensor.hall", NOON + timedelta(microseconds=1), 20.5, None),
    ),
]


def test_messages_of_hubs_and_gateways_are_read_as_they_come(spark):
    frames = []
    for number, (names, line, _) in enumerate(SENT):
        source = Source(f"hub{number}", "json", UPLINK, ("device", "at"), names=(*names.items(),))
        lines = spark.createDataFrame([(number, line)], "n INT, value STRING")
        frames.append(parse(lines, source).select("n", *source.fields, "_malformed"))
    found = sorted(union(frames).collect())
    assert [(row.device, row.at, row.t, row.rssi) for row in found] == [meant for *_, meant in SENT]
    assert {row._malformed for row in found} == {None}


def test_the_page_has_the_paths_of_the_things_stack(spark):
    (names,) = re.findall(r'^`(names = \{"end_device_ids.*)`$', PAGE, re.M)
    columns = "door STRING, timestamp TIMESTAMP, is_open BOOLEAN, rssi INT"
    names_ = tomllib.loads(names)["names"]
    source = Source("doors", "json", columns, ("door", "timestamp"), names=(*names_.items(),))
    line = SENT[1][1].replace('"temperature":-1.0', '"is_open":true')
    (row,) = parsed(spark, [line], source)
    assert (row.door, row.timestamp, row.is_open, row.rssi) == ("dev1", NOON, True, -35)


def test_half_a_character_is_read_as_one_that_is_unknown_and_is_no_key(spark):
    source = Source("made", "json", "id STRING, text STRING, d DOUBLE", ("id",))
    found = {
        r'{"id":"A","text":"Room \ud83d","d":21.5}': ("A", "Room \ufffd", 21.5, None),
        r'{"id":"A","text":"\uDE00\uD83D\ud83d!"}': ("A", "\ufffd\ufffd\ufffd!", None, None),
        r'{"id":"A","text":"\ud83d\ude00\\ud83d\u00e9"}': ("A", "\U0001f600\\ud83d\u00e9", None, None),
        r'{"id":"A","t\ud83d":1}': ("A", None, None, {"t\ufffd": 1}),
        r'{"id":"A\ud83d","text":"x"}': (None, "x", None, {"id": "A\ufffd"}),
        '{"id":"A\ufffd","text":"x"}': ("A\ufffd", "x", None, None),
    }
    rows = parsed(spark, [*found], source)
    values = [(row.id, row.text, row.d, row._rescued and json.loads(row._rescued)) for row in rows]
    assert values == [*found.values()]
    twice = r'{"id":"A","\ud83d":1,"\ud83e":2}'
    assert [row._malformed for row in parsed(spark, [twice], source)] == [twice]


def test_a_csv_line_is_read_like_a_json_line(spark, records):
    scalars = [{n: v for n, v in record.items() if not isinstance(v, (list, dict))} for record in records]
    texts = [
        {name: None if record.get(name) is None else _text(record[name]) for name in KINDS}
        for record in scalars
    ]
    # RFC 4180: a quote within quotes is doubled. An empty token is no value.
    lines = [
        ",".join("" if t is None else f'"{t.replace(chr(34), chr(34) * 2)}"' for t in row.values())
        for row in texts
    ]
    as_read = [{name: (text or "").strip(" ") or None for name, text in row.items()} for row in texts]
    assert_read(parsed(spark, lines, AS_CSV), as_read)


def test_a_number_that_stands_for_no_value_does_so_in_each_of_its_spellings(spark):
    source = Source(
        "made",
        "csv",
        "id INT, d DOUBLE, i INT, m DECIMAL(10,2), text STRING",
        ("id",),
        delimiter=";",
        decimal=",",
        nulls=("-99,9", "-9999", "-"),
    )
    found = {
        "1;-99,90;-9999,0;-99,9;-9999,0": (None, None, None, "-9999,0"),
        "2;-9,999E+03;-9999;-9999;-9999": (None, None, None, None),
        "3;-99,91;-999;99,9;-": (-99.91, -999, Decimal("99.9"), None),
    }
    rows = parsed(spark, [*found], source)
    assert [(row.d, row.i, row.m, row.text) for row in rows] == [*found.values()]
    assert {row._rescued for row in rows} == {None}


def test_a_number_that_no_double_is_equal_to_is_read_exactly_or_not_at_all(spark):
    source = Source("made", "json", "id INT, d DOUBLE, energy DECIMAL(18,3)", ("id",))
    written = [
        '"d":1.79769313486232E+308',  # .NET's text of the greatest double, which is more than that
        '"d":1e999',
        '"d":"1e999"',
        '"energy":123456789012345.678',
        '"energy":"123456789012345.678"',
        '"energy":12345.6789',
        '"energy":1.5e3',
        '"d":12.5,"energy":12.5',
    ]
    # A field that no column knows sends each line the careful way.
    lines = [f'{{"id":1,{text}{extra}}}' for extra in ("", ',"extra":1') for text in written]
    found = [(row.d, row.energy) for row in parsed(spark, lines, source)]
    exact = Decimal("123456789012345.678")
    numbers = [(None, exact)] * 2 + [(None, None), (None, Decimal(1500)), (12.5, Decimal("12.5"))]
    assert found == ([(None, None)] * 3 + numbers) * 2


def test_what_is_written_for_no_number_fits_no_column_and_the_rest_of_the_line_is_read(spark):
    source = Source("made", "json", "id STRING, d DOUBLE, i INT, b BOOLEAN", ("id",))
    lines = [
        '{"id": "a", "d": NaN, "i": 1, "b": true}',
        '{"id": "b", "d": 1.5, "i": -Infinity, "b": NaN}',
        '{"id": "c, NaN ,", "d": 1.5, "i": 1, "b": true, "more": [1, 2]}',
        '{"id": "e", "d": -nan, "i": inf, "b": undefined}',
        '{"id": "f", "d":-nan(ind),"i":-1.#IND00,"b":[nan,+Inf ]}',
        '{"id": "d", "d": NaN, "i": 1',
    ]
    found = parsed(spark, lines, source)
    assert [(row.id, row.d, row.i, row.b) for row in found] == [
        ("a", None, 1, True),
        ("b", 1.5, None, None),
        ("c, NaN ,", 1.5, 1, True),
        ("e", None, None, None),
        ("f", None, None, None),
        (None, None, None, None),
    ]
    assert [row._rescued and json.loads(row._rescued) for row in found] == [
        {"d": "NaN"},
        {"i": "-Infinity", "b": "NaN"},
        {"more": [1, 2]},
        {"d": "-nan", "i": "inf", "b": "undefined"},
        {"d": "-nan(ind)", "i": "-1.#IND00", "b": ["nan", "+Inf"]},
        None,
    ]
    assert [row._malformed for row in found] == [None] * 5 + [lines[5]]


def test_a_key_is_a_text_or_a_number_in_its_digits(spark):
    source = Source("made", "json", "id STRING, text STRING", ("id",))
    none = [[1], {"id": "B1"}, True]
    keys = ["[A1]", '{"a":1}', "true", *none, 123456789.0, "123456789.0", 123456789, 1.5]
    found = parsed(spark, [json.dumps({"id": key, "text": key}) for key in keys], source)
    devices = ["123456789", "123456789.0", "123456789", "1.5"]
    assert [row.id for row in found] == ["[A1]", '{"a":1}', "true", *[None] * len(none), *devices]
    assert [row.text for row in found][:6] == ["[A1]", '{"a":1}', "true", "[1]", '{"id":"B1"}', "true"]
    kept = [row._rescued and json.loads(row._rescued) for row in found]
    assert kept == [*[None] * 3, *({"id": key} for key in none), *[None] * 4]


def test_a_record_may_have_many_fields_of_any_names(spark):
    """Where each is nested within the next, Spark Connect takes less than forty."""
    kinds = ["STRING", "DOUBLE", "TIMESTAMP", "DECIMAL(10,2)"] * 12
    fields = {name: kinds[at] for at, name in enumerate(["value", "key", "source", "file", *range(44)])}
    columns = {name if isinstance(name, str) else f"c{name}": kind for name, kind in fields.items()}
    source = Source("made", "json", ", ".join(map(" ".join, columns.items())), ("value",))
    line = json.dumps(dict.fromkeys(columns, 1709632800))
    (row,) = parsed(spark, [line], source)
    assert row._malformed is None and row._rescued is not None
    assert (row.value, row.key, row.source, row.file) == ("1709632800", 1709632800.0, NOON, None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def test_quotes_within_quotes_are_doubled(spark):
    line = '1,2,3.5,true,2024-03-05,2024-03-05 10:00:00,12.50,"V8 ""T"", EU"'
    (row,) = parsed(spark, [line], AS_CSV)
    assert row["name"] == 'V8 "T", EU' and row._malformed is None


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"])
def test_quoted_text_keeps_the_separators_of_lines_that_end_none_here(spark, separator):
    line = f'1,2,3.5,true,2024-03-05,2024-03-05 10:00:00,12.50,"Boiler 3{separator} north"'
    (row,) = parsed(spark, [line], AS_CSV)
    assert row["name"] == f"Boiler 3{separator} north"
