"""What a CSV file is before Spark reads it: which column stands where, or why it is set aside."""

import gzip
import json
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from catalog import tables
from catalog.tables import SOURCES, CatalogError, Source
from jobs.bronze import csv_flaws, csv_lines, kept_layouts, landing_zone
from jobs.bronze.csv_layout import Layout

LOGS = SOURCES["sensor_logs"]
NAMES = ["sensor_id", "timestamp", "temperature", "humidity", "location"]
HEADER = ",".join(NAMES) + "\n"
RECORD = "1001,2025-05-01 01:00:00,72.4,41.2,Room_A\n"
OTHER_ORDER = "sensor_id,timestamp,humidity,temperature,location\n"
FOREIGN = "device,time,rh,temp_f,room\n"
UNITS = "id,ts,degF,percent,name\n"
OLD_LAYOUT = "Room_A,1001,2025-05-01 01:00:00,72.4,41.2\n"
BOILERS = Source(
    "boilers", "csv", "boiler STRING, timestamp TIMESTAMP, flow DOUBLE, back DOUBLE", ("boiler", "timestamp")
)
ROOMS = Source("rooms", "csv", "room STRING, floor STRING, area DOUBLE", ("room",))


def source(**keys: object) -> Source:
    """Sensor logs with other keys in the catalog."""
    return Source("sensor_logs", "csv", LOGS.columns, LOGS.key, **keys)


@pytest.fixture
def look(tmp_path: Path):
    """The reason why a file is set aside, or its columns in their order; None if they are as in the catalog."""

    def at(content: str | bytes, of: Source = LOGS, name: str = "f.csv") -> str | list[str] | None:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        if reason := csv_flaws.flaw(file, of):
            return reason
        found = csv_flaws.layout(file, of)
        return None if found.is_usual else [*found.names]

    return at


@pytest.mark.parametrize(
    "content",
    [
        HEADER + RECORD,
        "\ufeff" + HEADER + RECORD,
        HEADER,
        "",
        "\n ,,\n",
        "sep=,\n" + HEADER + RECORD,
        '\n"Sensor_ID", "Timestamp","Temperature","Humidity","LOCATION"\r\n' + RECORD,
        HEADER + RECORD + HEADER + RECORD,
        HEADER + UNITS + RECORD,
        (HEADER + UNITS + RECORD) * 2,
        HEADER + UNITS + RECORD * 50_000 + HEADER + UNITS,
        HEADER + RECORD + "\ufeff" + HEADER + RECORD + f"# {HEADER}{HEADER.upper()}",
        HEADER + RECORD + "Exported by,Anna Schmidt\n" + RECORD,
        HEADER + RECORD + "gw,Error!,no,Signal,Room_A\n" + "gw,Fehler,kein,Signal,Room_A\n" + RECORD,
        HEADER + RECORD + "1002,2025-05-01 01:00:00,temperature,humidity,Room_A\n",
        HEADER + RECORD + "#NV,2025-05-01 01:00:00,72.4,41.2,Room_A\n#1002" + RECORD[4:],
        HEADER + RECORD + ",,,,\n" * 1000,
        HEADER + '1001,2025-05-01 01:00:00,72.4,41.2,5" pipe\n',
        HEADER + "error,error,error,error,error\n",
        HEADER + RECORD + "gw-02,unavailable,a,b,hall\n" + "gw-02,n/a,a,b,hall\n",
        HEADER + "1001,2025-05-01\n" * 2 + ";;;;\n",
        (HEADER + RECORD).replace("\n", "\r"),
    ],
)
def test_a_file_that_is_as_the_catalog_says_has_no_layout_of_its_own(look, content):
    assert look(content) is None


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (OTHER_ORDER + RECORD, OTHER_ORDER.strip().split(",")),
        ("sep=,\r\n" + OTHER_ORDER + RECORD, OTHER_ORDER.strip().split(",")),
        ("# gateway GW-7\n" + OTHER_ORDER + RECORD, OTHER_ORDER.strip().split(",")),
        ("# gateway GW-7, export of 2025-05-01\n" + HEADER + RECORD, NAMES),
        ("# " + OTHER_ORDER + RECORD, OTHER_ORDER.strip().split(",")),
        ("#" + HEADER + RECORD, NAMES),
        ("Station,Berlin\nserial 17\n\n" + HEADER + RECORD, NAMES),
        (f'"TOA5","GW7","CR1000"\n{HEADER.upper()}"TS","RN","Deg F","%",""\n' + RECORD, NAMES),
        ("\ufefflocation,sensor_id,timestamp,temperature,humidity\r" + RECORD, [NAMES[4], *NAMES[:4]]),
        ("," + HEADER + "0," + RECORD, ["column 1", *NAMES]),
        (HEADER.replace("\n", ",Battery [V]\n"), [*NAMES, "Battery [V]"]),
        (HEADER.replace(",humidity", ""), [name for name in NAMES if name != "humidity"]),
        (
            HEADER.replace(",humidity", "").replace("\n", ",\n") + RECORD.replace("41.2,Room_A", "Room_A,"),
            [*NAMES[:3], "location", "column 5"],
        ),
        ("Station,17,52.5,13.4,Berlin\nof,the,old,export,file\n" + HEADER + RECORD, NAMES),
        ("#1,2,3,4,5\n" + HEADER + RECORD, NAMES),
    ],
)
def test_the_header_says_which_column_stands_where(look, content, names):
    assert look(content) == names
    assert look(gzip.compress(content.encode()), name="f.csv.gz") == names


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            "sensor_id,timestamp,humidity,temp,location\n" + RECORD,
            "(line 1) has temp and lacks temperature; bring sens",
        ),
        (
            FOREIGN + RECORD,
            "has device, time, rh, temp_f, room and lacks sensor_id, timestamp, temperature, hum",
        ),
        ("timestamp,temperature,humidity,location\n", "lacks sensor_id; "),
        ("# x\nsensor_id,timestamp,temperature,Temperature,location\n", "(line 2) has temperature twice; "),
        (
            RECORD,
            "line 1 is no header; put sensor_id,timestamp,temperature,humidity,location first, or say header = f",
        ),
        (RECORD + HEADER + RECORD, "line 1 is like a record, and the header is line 2; "),
        (
            HEADER + RECORD + OTHER_ORDER + RECORD,
            "line 3 is another header, sensor_id,timestamp,humidity,temp",
        ),
        (
            HEADER.replace(",location", "") + RECORD.replace(",Room_A", "") + HEADER + RECORD,
            "line 1 is another header than line 3; bring a file for each header",
        ),
        (
            RECORD.replace(",Room_A", "") + HEADER + RECORD,
            "line 1 is like a record, and the header is line 2; ",
        ),
        (
            HEADER + RECORD + OTHER_ORDER.replace("location", "2nd location") + RECORD,
            "line 3 is another header, sensor_id,timestamp,humidity,temp",
        ),
        (HEADER + RECORD + "# " + OTHER_ORDER + RECORD, "line 3 is another header, # sensor_id,timest"),
        (HEADER + RECORD * 50_000 + FOREIGN, "line 50002 is another header, device,time,"),
        (HEADER + OTHER_ORDER + RECORD, "line 2 is another header, sensor_id,timestamp,humidity,temp"),
        (
            HEADER + "Sensor,Time,humidity,temperature,Room\n" + RECORD,
            "line 2 is another header, Sensor,Time,",
        ),
        (OLD_LAYOUT * 2 + HEADER + RECORD, "line 1 is like a record, and the header is line 3; "),
        (
            "room,sensor,time,temp,hum\n" + OLD_LAYOUT * 3 + HEADER + RECORD,
            "line 2 is like a record, and the header is line 5; ",
        ),
        (
            "sensor_id,timestamp,,humidity,location\n" + RECORD,
            "(line 1) has column 3 and lacks temperature; bring",
        ),
        (
            "#NV,2025-05-01 01:00:00,72.4,41.2,Room_A\n" * 2,
            "line 1 is no header; put sensor_id,timestamp,",
        ),
        (OTHER_ORDER + RECORD + HEADER + RECORD, "line 3 is another header, sensor_id,timestamp,temperature"),
        (
            HEADER.replace(",", ";"),
            "its values are separated by ';', not ','; bring it with these, or say delimiter = ",
        ),
        (HEADER + RECORD.replace("\n", ",\n") * 3, "its records have 6 values for 5 columns; "),
        ("sep=;\n" + HEADER, "its values are separated by ';'"),
        (HEADER + '1001,2025-05-01 01:00:00,72.4,41.2,"Room\nA"\n', "line 2 ends within quotes; "),
        (HEADER + RECORD * 30_000 + '"1001\n', "line 30002 ends within quotes; "),
        ((HEADER + RECORD).encode("utf-16"), "it is UTF-16; save it as UTF-8"),
        ((HEADER + RECORD).encode("utf-16-le"), "line 1 has a NUL byte"),
        (
            HEADER.encode() + "1001,,72.4,41.2,Küche\n".encode("latin-1"),
            "line 2 is not UTF-8 (byte 0xFC); save it",
        ),
        (HEADER + RECORD + "x" * (3 << 20), "line 3 is longer than 1,048,576 bytes; "),
        (HEADER + "x" * (1 << 20) + "xx\n" + RECORD, "line 2 is longer than 1,048,576 bytes; "),
    ],
)
def test_what_could_be_mistaken_for_something_else_is_set_aside_with_its_line(look, content, reason):
    assert reason in look(content)


@pytest.mark.parametrize(
    "header",
    [
        "\ufeff" + OTHER_ORDER,
        "\ufeff" + FOREIGN,
        'Sensor ID,"Date Time, GMT+01:00",humidity,temperature,location\n',
        'Sensor ID,"Date Time, GMT+01:00","RH, %","Temp, °F",Room\n',
        "Sensor #,Time,humidity,temperature,location\n",
        "No,Time,humidity,temperature,location\n",
        "Sensor,Time,humidity,temperature,2m\n",
        "Sensor,,humidity,temperature,location\n",
        "Value,Time,humidity,temperature,Value\n",
        "[sensor_id],[timestamp],[humidity],[temperature],[location]\n",
        "'sensor_id','timestamp','humidity','temperature','location'\n",
        "[device],[time],[rh],[temp_f],[room]\n",
        "#Sensor,Time,humidity,temperature,location\n",
        "# " + FOREIGN,
        "Sensor,Humidity,Temperature\n",
    ],
)
def test_a_second_header_is_seen_however_it_is_spelled(look, header):
    assert "line 3 is another header" in look(HEADER + RECORD + header + RECORD)


def test_a_second_header_is_seen_by_the_names_that_the_source_has_for_its_columns(look):
    names = {
        "Logger": "sensor_id",
        "Date Time, GMT+01:00": "timestamp",
        "Temp, °C": "temperature",
        "RH, %": "humidity",
    }
    theirs = source(names=tuple(names.items()))
    header = 'Logger,"Date Time, GMT+01:00","Temp, °C","RH, %",location\n'
    assert look((header + RECORD) * 2 + "\ufeff" + header, theirs) == NAMES
    for other in (header.replace("+01", "+02"), "\ufeff" + header.upper().replace("+01", "+02")):
        assert "line 3 is another header" in look(header + RECORD + other + RECORD, theirs)


STATION = f'"TOA5","GW7","CR1000X"\n{HEADER}"TS","RN","Deg C","%",""\n"","","Avg","Smp",""\n'


@pytest.mark.parametrize(
    ("content", "units"),
    [
        (STATION + RECORD, ["TS,RN,DegC,%,", ",,Avg,Smp,"]),
        (STATION.replace('"","","Avg","Smp"', '"","","",""') + RECORD, ["TS,RN,DegC,%,"]),
        (STATION.split('"TS"')[0] + RECORD.replace("72.4", "NAN") * 2, []),
        (STATION.removeprefix('"TOA5",') + RECORD, []),
    ],
)
def test_what_stands_below_the_names_of_a_campbell_logger_is_no_record(look, tmp_path, content, units):
    """Unless a number or a time is in it."""
    assert look(content) == NAMES
    found = csv_flaws.layout(tmp_path / "f.csv", LOGS).no_records
    assert [*found[found.index(HEADER.strip()) + 1 :]] == units


def test_a_row_of_words_is_a_header_only_if_none_of_them_is_a_value_of_the_file(look):
    header, record = "boiler,timestamp,flow,back\n", "B1,2025-05-01 06:00:00,62.5,48\n"
    assert look(header + record + "B1,pending,Fault,OL\n" + record, BOILERS) == look(header, BOILERS) is None
    assert "line 3 is another header" in look(header + record + "Kessel,Zeit,Vor,Rück\n" + record, BOILERS)
    # Of records whose key is text, a word where the only number is wanted is a value missing.
    assert look("room,floor,area\nHall,First,20\nLobby,Ground,tbd\n", ROOMS) is None


def test_records_above_the_header_are_recognised_by_their_numbers_and_times(look):
    """Pairs in a preamble are not taken for records of two columns, since its names are no numbers."""
    header = "boiler,timestamp,flow,back\n"
    assert "line 1 is like a record" in look("2025-05-01 06:00:00,B1,62.5,48\n" * 2 + header, BOILERS)
    pairs = Source("pairs", "csv", "timestamp TIMESTAMP, flow DOUBLE", ("timestamp",))
    assert look("Serial,17\nInterval,60\ntimestamp,flow\n2025-05-01 06:00:00,62.5\n", pairs) == [
        *pairs.fields
    ]
    assert "line 1 is like a record" in look("62.5,2025-05-01\n" * 2 + "timestamp,flow\n", pairs)


def test_two_columns_may_be_the_day_and_the_time_of_an_instant_and_of_nothing_else(look):
    names = (("Date", "timestamp"), ("Time", "timestamp"), ("Id", "sensor_id"), ("Nr", "sensor_id"))
    header, record = (
        "Time,Nr,Date,temperature,humidity,location\n",
        "10:00:00,1001,2025-05-01,72.4,41.2,Room_A\n",
    )
    assert look(header + record, source(names=names)) == ["timestamp", "sensor_id", "timestamp", *NAMES[2:]]
    start = "Start,1001,2025-05-01,,,\n"
    assert look(start + header + record, source(names=names)) == look(header + record, source(names=names))
    assert "line 1 is like a record" in look(record + header, source(names=names))
    assert "has timestamp twice" in look(header.replace("Time", "timestamp"), source(names=names[:1]))
    assert "has timestamp twice" in look(header.replace("location", "timestamp"), source(names=names))
    assert "has sensor_id twice" in look(header.replace("location", "Id"), source(names=names))


# Columns with the time in the second place, and what stands above their header.
SECOND = {
    of: Source("made", "csv", columns, key, times=times)
    for of, columns, key, times in (
        ("number", "no INT, at TIMESTAMP, t1 DOUBLE, t2 DOUBLE", ("at",), ("dd.MM.yyyy HH:mm",)),
        ("station", "station STRING, at TIMESTAMP, t1 DOUBLE", ("station", "at"), ()),
        ("remark", "remark STRING, at TIMESTAMP, t1 DOUBLE, t2 DOUBLE", ("at",), ()),
        ("id", "no INT, id BIGINT, t1 DOUBLE, t2 DOUBLE", ("id",), ()),
    )
}
BELOW = {
    "number": "no,at,t1,t2\n1,05.03.2024 10:00,5.1,5.2\n",
    "station": "station,at,t1\nB1,2024-03-05 10:00:00,5.1\n",
    "remark": "remark,at,t1,t2\nB1,2024-03-05 10:00:00,5.1,5.2\n",
    "id": "no,id,t1,t2\n1,17,5.1,5.2\n",
}


@pytest.mark.parametrize(
    ("above", "of"),
    [
        *(("Serial number,123456\nInterval,00:15:00\nLogged values,2\n", of) for of in BELOW),
        *(("Interval,15,min\nLimit 1,8.0\nLimit 2,2 °C\n", of) for of in ("number", "remark")),
        *(
            ("Start time,2024-03-05 10:00:00\nEnd time:,05.03.2024 11:00,\n", of)
            for of in ("number", "remark")
        ),
        ("Start time,2024-03-05 10:00:00\n", "station"),
        ("Start,05.03.2024,10:00:00\n", "number"),
    ],
)
def test_pairs_above_a_header_are_about_the_file_wherever_the_time_stands(look, above, of):
    assert look(above + BELOW[of], SECOND[of]) == [*SECOND[of].fields]


@pytest.mark.parametrize(
    ("above", "of"),
    [
        ("B1,2024-03-05 09:00:00\n", "station"),
        ("B7,2024-03-05 09:00:00\n", "station"),
        ("B7,2024-03-05 09:00:00,5.0\n", "number"),
        ("Room,2024-03-05 09:00:00,5.0\n", "number"),
        ("NaN,05.03.2024 09:00,5.0\n", "number"),
        ("7,05.03.2024 09:00,5.0\n", "number"),
        ("7,18,5.0\n", "id"),
        ("B7,1709632800\n", "remark"),
    ],
)
def test_what_may_be_a_record_above_a_header_is_not_taken_for_a_pair(look, above, of):
    assert "line 1 is like a record" in look(above + BELOW[of], SECOND[of])


def test_what_the_catalog_says_of_a_sources_files_is_how_they_are_read(look):
    theirs = source(delimiter=";", names=(("Temp [F]", "temperature"), ("Zeit", "timestamp")))
    assert look("Sensor_ID;Zeit;temp [f];humidity;location\n", theirs) == NAMES
    assert look(HEADER.replace(",", ";"), theirs) is None
    assert "Temp [F]" not in str(look("zeit;Temp [F];Temperature;sensor_id\n", theirs))
    assert look(HEADER.replace(",", "\t"), source(delimiter="\t")) is None
    assert look('"a b"\t\t"x"\n' + HEADER.replace(",", "\t").upper(), source(delimiter="\t")) == NAMES


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("# of GW-7", True),
        ("#####", True),
        ("# by Anna, Berlin", True),
        ("#NV,2025-05-01 01:00:00,72.4,41.2,Room_A", False),
        ("#¡VALOR!,2025-05-01 01:00:00,72.4,41.2,Room_A", False),
        ("####,2025-05-01 01:00:00,,,", False),
        ('#7031,2025-05-01 01:00:00,72.4,41.2,"Room A, north"', False),
        ("#" + HEADER.strip(), False),
        ("sep=;", True),
    ],
)
def test_a_line_with_as_many_tokens_as_columns_is_no_comment(line, is_one):
    assert csv_lines.is_preamble(line, len(NAMES), LOGS) is is_one


def test_what_the_source_has_for_no_value_is_no_name(look):
    lines = HEADER + RECORD + "kitchen,humidity,absent,b,c\n"
    assert "line 3 is another header" in look(lines)
    assert look(lines, source(nulls=("absent",))) is None


def test_without_a_header_columns_stand_as_in_the_catalog(look):
    headless = source(header=False)
    assert look(RECORD, headless) is None and look(HEADER + RECORD, headless) is None
    assert look(OTHER_ORDER + RECORD, headless) == OTHER_ORDER.strip().split(",")
    assert "line 1 is like a record" in look(RECORD + OTHER_ORDER, headless)
    assert "line 102 is another header" in look(RECORD * 101 + OTHER_ORDER, headless)
    assert "lacks sensor_id" in look(FOREIGN + RECORD, headless)
    assert look("#" + OTHER_ORDER + RECORD, headless) == OTHER_ORDER.strip().split(",")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ('header = "no"', "header must be true or false, not 'no'"),
        ('delimiter = "::"', "delimiter must be one of ',' ';'"),
        ('decimal = ";"', "decimal must be '.' or ','"),
        ('nulls = "-"', "nulls must be a list of strings"),
        ("nulls = [-9999]", r"nulls must be a list of strings, .+, not \[-9999\]"),
        ('escapes = "\\\\"', "escapes must be 'backslash' or be left out"),
        ('comments = "#"', "comments must be true or false, not '#'"),
    ],
)
def test_what_no_file_can_be_read_by_is_refused_with_the_catalog(key, said):
    values = tomllib.loads(f'format = "csv"\nkey = ["id"]\ncolumns = "id INT, x DOUBLE"\n{key}')
    with pytest.raises(CatalogError, match=rf"\[sources.x\]: {said}"):
        tables._read(Source, "sources", "x", values)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("header", False),
        ("delimiter", ";"),
        ("decimal", ","),
        ("nulls", ["-9999"]),
        ("escapes", "backslash"),
        ("comments", True),
    ],
)
def test_what_only_csv_has_is_refused_of_json(key, value):
    values = {"format": "json", "columns": "id INT", "key": ["id"], key: value}
    with pytest.raises(CatalogError, match=rf"\[sources.x\]: {key}: for csv only"):
        tables._read(Source, "sources", "x", values)


DUMP = source(header=False, delimiter="\t", escapes="backslash")
ROW = "1001\t2025-05-01 01:00:00\t72.4\t41.2\tRoom_A\n"


@pytest.mark.parametrize(
    "content",
    [
        ROW,
        HEADER.replace(",", "\t") + ROW,
        ROW.replace("41.2", r"\N") + ROW,
        ROW.replace("Room_A", 'a 5" pipe') + ROW.replace("Room_A", '"'),
        ROW.replace("Room_A", "a\\\tb") * 3,
        ROW.replace("Room_A", r"C:\\") + ROW,
        ROW + "\\.\n",
        ROW + "\x1a",
    ],
)
def test_a_dump_with_escapes_has_no_layout_of_its_own(look, content):
    assert look(content, DUMP) is None


@pytest.mark.parametrize(
    ("content", "of", "said"),
    [
        (
            ROW + ROW.replace("Room_A", "a\\\nb"),
            DUMP,
            "line 2 ends with a backslash: its value has a line break",
        ),
        (ROW.replace("Room_A", r"C:\\" + "\\\n"), DUMP, "line 1 ends with a backslash"),
        (ROW.replace("Room_A", '"Room_A"'), DUMP, "its texts are in quotes"),
        (RECORD + RECORD.replace("Room_A", r"\N"), source(header=False), r"line 2 has \N for no value"),
    ],
)
def test_escapes_that_would_be_misread_set_a_file_aside_with_what_to_do(look, content, of, said):
    assert look(content, of).startswith(said)


def test_what_mysql_has_for_no_value_may_be_all_that_it_escapes(look):
    content = HEADER + RECORD.replace("41.2", r"\N") + RECORD.replace("Room_A", r"a\Nb")
    assert look(content, source(nulls=(r"\N",))) is None


def test_the_end_of_a_file_as_dos_writes_it_is_no_record(look):
    assert look((HEADER + RECORD).replace("\n", "\r\n") + "\x1a") is None
    assert look("\x1a" * 100) is None


def test_layouts_are_kept_by_night_and_added_to(tmp_path):
    first = {"arrived=2024-03-05/a b.csv": Layout(("x", "y"), ("x,y",), False)}
    second = {
        "arrived=2024-03-05/mine/ä.csv": Layout(("y",), (), True),
        "arrived=2024-03-06/c.csv": Layout((), (), True),
    }
    for found in (first, second, {}):
        kept_layouts.save(tmp_path, found, (), LOGS)
    fifth, sixth = tmp_path / "arrived=2024-03-05", tmp_path / "arrived=2024-03-06"
    assert kept_layouts.load([fifth, sixth], LOGS) == first | second
    assert kept_layouts.load([sixth], LOGS).keys() == {"arrived=2024-03-06/c.csv"}


def test_a_file_as_the_catalog_was_has_a_layout_of_its_own_once_that_has_more_columns(tmp_path):
    usual = ["arrived=2024-03-05/a.csv"]
    kept_layouts.save(tmp_path, {}, usual, LOGS)
    night = tmp_path / "arrived=2024-03-05"
    assert kept_layouts.load([night], LOGS) == {}
    more = replace(LOGS, columns=f"{LOGS.columns}, battery DOUBLE")
    kept_layouts.save(tmp_path, {}, ["arrived=2024-03-05/b.csv"], more)
    assert kept_layouts.load([night], more) == {usual[0]: Layout(tuple(NAMES), (HEADER.strip(),), False)}


def test_a_file_that_an_earlier_version_has_read_keeps_the_comments_that_it_had_then(tmp_path):
    night = tmp_path / "arrived=2024-03-05"
    night.mkdir()
    (night / kept_layouts.FILE).write_text(json.dumps({"arrived=2024-03-05/a.csv": ",".join(NAMES)}))
    as_then = {"arrived=2024-03-05/a.csv": Layout(tuple(NAMES), (HEADER.strip(),), True)}
    assert kept_layouts.load([night], LOGS) == as_then


def test_files_that_were_read_when_no_columns_were_kept_have_those_of_their_header(tmp_path):
    folder = tmp_path / "arrived=2024-03-05"
    (folder / "mine").mkdir(parents=True)
    (folder / "mine/a.csv").write_text("# of GW-7\n" + HEADER + RECORD)
    (folder / "other.csv").write_text(FOREIGN + RECORD)
    (folder / "damaged.csv").write_bytes(b"\xff\xfe\xff")
    (folder / "cut.csv.gz").write_bytes(gzip.compress((HEADER + RECORD).encode())[:30])
    (folder / "none.csv.gz").write_text(HEADER)
    outside = tmp_path / "outside.csv"
    outside.write_text(HEADER + RECORD)
    (folder / "link.csv").symlink_to(outside)
    more = replace(LOGS, columns=f"{LOGS.columns}, battery DOUBLE")
    for _ in range(2):
        kept_layouts.make_good(tmp_path, landing_zone.look(tmp_path).in_place, more)
        (found,) = kept_layouts.load([folder], more).items()
        assert found == (
            "arrived=2024-03-05/mine/a.csv",
            Layout(tuple(NAMES), ("#ofGW-7", HEADER.strip()), True),
        )
    other = tmp_path / "arrived=2024-03-06"
    other.mkdir()
    (other / "a.csv").write_text(RECORD)
    kept_layouts.make_good(tmp_path, [other / "a.csv"], source(header=False))
    assert not (other / kept_layouts.FILE).exists()


def test_what_stands_above_the_header_is_no_record_and_below_it_only_where_the_source_has_comments(tmp_path):
    file = tmp_path / "f.csv"
    file.write_text("# of GW-7\n" + HEADER + RECORD + "# seen\n#10")
    found = csv_flaws.layout(file, LOGS)
    assert (found.no_records, found.has_comments) == (("#ofGW-7", HEADER.strip()), False)
    for header in (True, False):
        found = csv_flaws.layout(file, source(comments=True, header=header))
        assert found.has_comments and not found.is_usual
    file.write_text(RECORD + "# seen\n#10")
    assert not csv_flaws.layout(file, source(header=False)).has_comments


def test_the_columns_that_files_lack_are_in_the_run_result(caplog):
    found = {
        "a.csv": Layout(("sensor_id", "timestamp", "location", "more"), (), True),
        "b.csv": Layout(tuple(NAMES), (), True),
    }
    assert kept_layouts.lacking(LOGS, found) == {"lacking": {"a.csv": ["temperature", "humidity"]}}
    assert "sensor_logs/a.csv lacks temperature, humidity" in caplog.text
    assert kept_layouts.lacking(LOGS, {}) == {}


@pytest.mark.parametrize(
    "line",
    [
        RECORD,
        '"' + RECORD.strip().replace(",", '","') + '"\r\n',
        ",,,,\n",
        "a,b,c,d,e\n",
        "a,b,c,d,Room_A\n",
        "1001,temperature,humidity,,\n",
        '"a"","b",\n',
    ],
)
def test_a_file_is_looked_through_in_linear_time(look, line):
    """Of work that grows with the square of the size, the second file would take 64 times as long."""
    took = []
    for size in (1 << 16, 1 << 19):
        began = time.process_time()
        look(HEADER + RECORD + line * (size // len(line)))
        took.append(time.process_time() - began)
    assert took[1] < 24 * took[0] + 0.0125
