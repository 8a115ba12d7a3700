"""The catalog is read strictly."""

import re
from dataclasses import replace

import pytest

from catalog import tables
from catalog.columns import columns_of, cuts, holds, tidy
from catalog.references import check_references
from catalog.tables import (
    ACCEPTED,
    DERIVED,
    GOLD,
    SILVER,
    SOURCES,
    TABLES,
    CatalogError,
    Source,
    Table,
    sources_of,
)

GOOD = {"grain": "One row per day.", "columns": "night DATE, rows BIGINT", "slice": "night"}


def read(**values: object) -> Table:
    return tables._read(Table, "gold", "daily", {**GOOD, **values}, layer="gold")


def test_a_section_becomes_a_table():
    table = read(reads=["readings"], days=7)
    assert (table.full_name, table.column_names, table.reads) == (
        "gold.daily",
        ("night", "rows"),
        ("readings",),
    )


def test_an_unknown_key_is_refused_with_its_section_and_the_known_ones():
    with pytest.raises(
        CatalogError, match=r"catalog \[gold.daily\]: unknown key dayz; known are: columns, comments, days"
    ):
        read(dayz=7)


def test_a_missing_key_is_refused():
    with pytest.raises(CatalogError, match=r"\[sources.x\]: missing key columns, key"):
        tables._read(Source, "sources", "x", {"format": "csv"})


@pytest.mark.parametrize("days", [-1, True, 1.5, "1"])
def test_days_of_silence_that_are_none_are_refused(days):
    values = {"format": "csv", "columns": "a INT", "key": ["a"], "silent_after_days": days}
    with pytest.raises(
        CatalogError, match=r"\[sources.x\]: silent_after_days must be an integer from 0, not "
    ):
        tables._read(Source, "sources", "x", values)


def test_a_slice_that_is_no_column_is_refused():
    with pytest.raises(CatalogError, match="slice is event_date, which is none of its columns"):
        read(slice="event_date")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"days": "7"}, "days must be an integer from 0, not '7'"),
        ({"days": -1}, "days must be an integer from 0, not -1"),
        ({"reads": "readings"}, "reads must be a list of strings"),
        ({"key": "night"}, "key must be a list of strings"),
        ({"slice": "rows"}, "rows is BIGINT; rows are replaced by a DATE"),
        ({"columns": "night DATE, event_date TIMESTAMP"}, "event_date is TIMESTAMP"),
    ],
)
def test_what_a_table_cannot_mean_is_refused(given, said):
    with pytest.raises(CatalogError, match=rf"\[gold.daily\]: {said}"):
        read(**given)


def test_an_order_by_what_is_no_column_is_refused():
    with pytest.raises(CatalogError, match="zorder names device, which is none of its columns"):
        read(zorder=["device"])


def test_a_column_means_what_the_catalog_says_of_its_name_unless_its_table_says_more():
    table = read(key=["night"], comments={"rows": "rows of the day"})
    assert table.key == ("night",)
    assert table.meanings == {"night": "day (UTC) that the row is about", "rows": "rows of the day"}
    assert "avg_temperature" not in TABLES["silver.sensor_logs"].meanings
    with pytest.raises(CatalogError, match="comments names row, which is none of its columns"):
        read(comments={"row": "one"})
    with pytest.raises(CatalogError, match="key names device, which is none of its columns"):
        read(key=["device"])


@pytest.mark.parametrize(
    "given",
    [
        {"part": "device_id"},
        {"part": "rows"},
        {"part": "rows", "slice": "event_date", "columns": "event_date DATE, rows BIGINT", "days": 7},
    ],
    ids=["no column", "not by event date", "looks at other days"],
)
def test_a_part_that_a_slice_cannot_have_is_refused(given):
    with pytest.raises(CatalogError, match="part names a column of a table by event_date"):
        read(**given)


@pytest.mark.parametrize(
    ("name", "read"), [("climate_hourly", "sensor_logs"), ("defect_rates", "inspection_features")]
)
def test_a_part_is_a_column_of_all_that_a_table_reads_each_from_a_source(name, read):
    table = replace(GOLD[name], part=GOLD[name].column_names[1])
    with pytest.raises(
        CatalogError,
        match=rf"\[gold.{name}\]: part is {table.part}, which no rows of a source have in {read}",
    ):
        check_references(tables._catalog, SOURCES, ACCEPTED, DERIVED, GOLD | {name: table})


def test_a_gold_table_is_made_with_tables_of_ops_that_are_there():
    table = replace(GOLD["failure_predictions"], uses=("models", "modles"))
    with pytest.raises(
        CatalogError, match=r"\[gold.failure_predictions\]: uses modles, which is no table of \[ops.X\]"
    ):
        check_references(tables._catalog, SOURCES, ACCEPTED, DERIVED, GOLD | {table.name: table})


def test_a_name_that_could_leave_its_schema_is_refused():
    with pytest.raises(CatalogError, match="letters, digits and underscores"):
        tables._read(Table, "gold", "x`; DROP TABLE y", GOOD, layer="gold")


def test_a_format_that_is_neither_json_nor_csv_is_refused():
    with pytest.raises(CatalogError, match="json or csv, not 'xml'"):
        tables._read(Source, "sources", "x", {"format": "xml", "columns": "a INT", "key": ["a"]})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"format": "csv", "records": "data.items"}, "records is for json"),
        *(
            (
                {"format": "json", "records": records},
                "records must be a path of names, through arrays by itself",
            )
            for records in ("data..items", "data[0].items", "$.data", "items ")
        ),
        ({"format": "json", "records": ["items"]}, "records must be a string, not \\['items'\\]"),
        (
            {"format": "json", "earliest": "1970-01-01"},
            "earliest must be a day like 2000-01-01 without quotes",
        ),
        ({"format": "json", "zone": "Europe/Belrin"}, r"zone must be like Europe/Berlin or \+01:00"),
        ({"format": "json", "zone": "CET+1"}, "zone must be like"),
        ({"format": "json", "zone": "Europe"}, "zone must be like"),
        ({"format": "json", "zone": "../x"}, "zone must be like"),
        ({"format": "json", "zone": 1}, "zone must be a string, not 1"),
        ({"format": "json", "times": "dd.MM.yyyy HH:mm"}, "times must be a list of strings"),
        ({"format": "json", "times": ["dd.MM.yyyy um HH:mm"]}, "is no pattern: write one like"),
        ({"format": "json", "times": ["%d.%m.%Y"]}, "is no pattern"),
        ({"format": "json", "times": [7]}, r"times must be a list of strings, .+, not \[7\]"),
        ({"format": "json", "times": ["dd.MM. HH:mm"]}, "without a year"),
        ({"format": "json", "times": ["dd.mm.yyyy HH:mm"]}, "with m in two places"),
        ({"format": "json", "times": ["dd.MM.yyyy hh:mm"]}, "no hour is known"),
        ({"format": "json", "times": ["dd-MMM-yyyy mm:ss"]}, "no hour is known"),
        ({"format": "json", "times": ["dd.MM.yyyy HH ss"]}, "s is what follows m"),
        ({"format": "json", "times": ["dd.MM.yyyy HH:mm.SSS"]}, "S what follows s"),
        ({"format": "json", "times": ["dd.MM.yyyy HH:mm a"]}, "H is of 24 hours"),
        ({"format": "json", "times": ["yyyyMd HHmm"]}, "write both as two letters"),
        ({"format": "csv", "key": []}, "key must be a list of columns"),
        ({"format": "csv", "key": "a"}, "key must be a list of strings"),
        ({"format": "csv", "key": ["a", "a"]}, "key names a twice, or a VARIANT"),
        ({"format": "json", "columns": "a VARIANT"}, "key names a twice, or a VARIANT"),
        ({"format": "csv", "optional": "false"}, "optional must be true or false, not 'false'"),
        ({"format": "json", "streamed": 1}, "streamed must be true or false, not 1"),
        ({"format": "json", "repeated": ["last"]}, "repeated must be a string, not \\['last'\\]"),
        ({"format": "json", "senml": "true"}, "senml must be true or false, not 'true'"),
        ({"format": "csv", "senml": True}, "senml is for json"),
    ],
)
def test_what_a_source_cannot_mean_is_refused(given, said):
    with pytest.raises(CatalogError, match=said):
        tables._read(Source, "sources", "x", {"columns": "a INT", "key": ["a"]} | given)


@pytest.mark.parametrize("format_", ["csv", "json"])
@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("a", "names must be a table of their names and ours, not 'a'"),
        (["Temp"], "names must be a table of their names and ours, not 'Temp'"),
        ({"Temp": "temp"}, "names leads to temp, which is none of its columns"),
        (
            {"object": {"temperature": "t"}},
            'names has object without quotes: write a path as "object.…" = "column"',
        ),
    ],
)
def test_names_that_lead_to_no_column_are_refused(format_, names, said):
    values = {"format": format_, "columns": "id INT, t DOUBLE", "key": ["id"], "names": names}
    with pytest.raises(CatalogError, match=rf"\[sources.x\]: {said}"):
        tables._read(Source, "sources", "x", values)


def test_two_names_that_are_one_in_a_header_lead_to_one_column():
    values = {"format": "csv", "columns": "id INT, t DOUBLE", "key": ["id"]}
    names = {"Temp": "t", "TEMP": "t", "temp": "id"}
    with pytest.raises(CatalogError, match="names leads Temp to t and temp to id, which are one name in a h"):
        tables._read(Source, "sources", "x", values | {"names": names})


NO_PATHS = [
    *(
        "",
        ".t",
        "a..t",
        "a.",
        "[0].t",
        "a[",
        "a[]",
        "a[-1]",
        "a[*].t",
        "a[01]",
        "a.*",
        " t",
        "a. t",
    ),
    *("a['b", "a[b]", "a['b'c", "a['b\\']", 'a["b"]', "a?"),
]


@pytest.mark.parametrize("path", NO_PATHS)
def test_what_is_no_path_is_refused_with_what_one_is_like(path):
    values = {"format": "json", "columns": "id INT, t DOUBLE", "key": ["id"], "names": {path: "t"}}
    with pytest.raises(CatalogError) as refused:
        tables._read(Source, "sources", "x", values)
    said = f"catalog [sources.x]: {path!r} is no path; write one like object.temperature, rxInfo[0].rssi, or"
    assert str(refused.value).startswith(said) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"id": "t"}, "names leads id to id and to t"),
        ({"a.t": "t", "a['t']": "id"}, "names leads a.t to id and to t"),
        ({"a[0].t": "t", "a.id": "id"}, "names has a.id and a[0].t: a is an array or an object"),
        ({"a.T": "t", "a.t": "t"}, "a.T and a.t: names differ in more than case"),
        ({"a[0].T": "t", "a[1].t": "t"}, "names differ in more than case"),
        ({"a": "id", "a.t": "t"}, "names has a.t within a, which only a VARIANT can be: id is none"),
        ({"a[0]": "id", "a[1].t": "t"}, "a[1].t within a[0], which only a VARIANT can be"),
    ],
)
def test_paths_of_which_no_record_can_have_both_are_refused(names, said):
    values = {"format": "json", "columns": "id INT, t DOUBLE, v VARIANT", "key": ["id"], "names": names}
    with pytest.raises(CatalogError, match=re.escape(said)):
        tables._read(Source, "sources", "x", values)


@pytest.mark.parametrize(
    ("records", "names", "said"),
    [
        (
            "",
            {"$.id": "id"},
            "names has $.id: $ is the document around the records, and there is none without",
        ),
        ("d.i", {"$.d.i.t": "t"}, "names has $.d.i.t: it is within the records; write t"),
        ("d.i", {"$.d.i[0].t": "t"}, "it is within the records; write t"),
        ("d.i", {"$.d.i": "v"}, "names has $.d.i: the records lie there"),
        ("d.i", {"$.d": "v"}, "names has $.d: the records lie there"),
        ("d.i", {"$.d[0].t": "t"}, "each has the element that it is in; write $.d.t"),
        ("d.i", {"$[0].t": "t"}, "each has the element that it is in; write $.t"),
        ("d.i", {"$.id": "id", "['$'].t": "t"}, "names has ['$'].t of a record and $.id of its document"),
        ("d.i", {"$.id": "id", "$": "v"}, "a record has one $"),
        ("d.i", {"$.id": "id", "$['id']": "t"}, "names leads $.id to id and to t"),
    ],
)
def test_names_that_lead_to_nothing_around_the_records_are_refused(records, names, said):
    values = {"format": "json", "columns": "id INT, t DOUBLE, v VARIANT", "key": ["id"], "names": names}
    with pytest.raises(CatalogError) as refused:
        tables._read(Source, "sources", "x", values | {"records": records})
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_a_name_that_begins_with_a_dollar_leads_into_the_document_and_is_otherwise_a_path_as_others_are():
    names = {"$.gw.id": "id", "$.d['a.b'][0].t": "t", "$.d.i-2": "w", "$x.v": "v"}
    columns = "id INT, t DOUBLE, v VARIANT, w INT"
    values = {"format": "json", "columns": columns, "key": ["id"], "records": "d.i", "names": names}
    source = tables._read(Source, "sources", "x", values)
    assert [*map(str, source.around)] == ["$.gw.id", "$.d['a.b'][0].t", "$.d.i-2"]
    assert source.paths["t"][0].steps == ("$", "d", "a.b", 0, "t")
    own = tables._read(Source, "sources", "x", values | {"names": {"['$'].id": "id", "$": "v"}})
    assert own.around == ()


def test_a_path_has_one_spelling_and_is_found_at_each_of_its_steps():
    names = {"['o'].t": "t", "SystemProperties.iothub-connection-device-id": "id", "v['a.b'][0]['c d']": "t"}
    values = {
        "format": "json",
        "columns": "id STRING, t DOUBLE, v VARIANT, w INT",
        "key": ["id"],
        "names": names,
    }
    paths = tables._read(Source, "sources", "x", values).paths
    assert {name: [*map(str, found)] for name, found in paths.items()} == {
        "id": ["SystemProperties.iothub-connection-device-id"],
        "t": ["o.t", "v['a.b'][0].c d"],
        "v": ["v"],
        "w": ["w"],
    }
    assert paths["t"][1].steps == ("v", "a.b", 0, "c d")
    assert paths["t"][1].in_variant == "$['v']['a.b'][0]['c d']"


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "+05:30", "Etc/GMT-1"])
def test_a_zone_is_a_name_or_an_offset(zone):
    values = {"format": "json", "columns": "a INT", "key": ["a"], "zone": zone}
    assert tables._read(Source, "sources", "x", values).zone == zone


@pytest.mark.parametrize("repeated", ["newest", "greatest", "greatest:", "last:revision", ""])
def test_a_policy_for_repeated_keys_that_there_is_not_is_refused(repeated):
    values = {"format": "csv", "columns": "a INT", "key": ["a"], "repeated": repeated}
    with pytest.raises(
        CatalogError, match=r"\[sources.x\]: repeated must be first, last, conflict or greatest:"
    ):
        tables._read(Source, "sources", "x", values)


@pytest.mark.parametrize("column", ["revision", "event_id", "json_column", "payload"])
def test_a_version_is_a_column_of_silver_that_has_an_order_and_is_no_part_of_the_key(column):
    source = replace(SOURCES["iot_events"], repeated=f"greatest:{column}")
    with pytest.raises(CatalogError, match=rf"\[silver.iot_events\]: {column} is no version"):
        check_references(tables._catalog, SOURCES | {"iot_events": source}, ACCEPTED, DERIVED, GOLD)


@pytest.mark.parametrize(
    ("columns", "tidied"),
    [
        (
            "a integer,b decimal(10, 2) ,\n c  timestamp, d string",
            "a INT, b DECIMAL(10,2), c TIMESTAMP, d STRING",
        ),
        ("a Long, b numeric(3,1), C Double", "a BIGINT, b DECIMAL(3,1), C DOUBLE"),
    ],
)
def test_a_type_is_the_same_in_any_case_and_under_its_other_name(columns, tidied):
    read = tables._read(Source, "sources", "x", {"format": "json", "columns": columns, "key": ["a"]})
    assert read.columns == tidied


def test_the_fields_of_a_nested_type_keep_their_case():
    nested = "a ARRAY<STRUCT<Id: INT, atTime: TIMESTAMP>>, b MAP<STRING, BIGINT>"
    assert tidy(nested) == nested


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("a INT, b FLOAT", "no value is read as b FLOAT; a source's types are STRING, INT"),
        ("a INT, b", "no value is read as b"),
        ("a INT, b DECIMAL", "no value is read as b DECIMAL"),
        ("a INT, b ARRAY<INT>", "no value is read as b ARRAY<INT>"),
        ("b INT", "key names a, which is none of its columns"),
        ("a INT, b DECIMAL(39,2)", r"no value is read as b DECIMAL\(39,2\)"),
        ("a INT, b DECIMAL(2,3)", r"no value is read as b DECIMAL\(2,3\)"),
        ("a INT, b INT, B INT", "columns has B, b: names differ in more than case"),
        ("a INT, b INT, b DOUBLE", "columns has b: names differ in more than case"),
        (
            "a INT, co2-ppm INT, 2m INT",
            "columns has co2-ppm, 2m: a name is made of a-z, digits and _ and begins",
        ),
        ("a INT, _night DATE", "columns has _night: a name is made of a-z"),
        ("a INT, wärme INT", "columns has wärme: a name is made of a-z"),
    ],
)
def test_a_column_of_a_source_that_could_not_be_read_is_refused(columns, said):
    with pytest.raises(CatalogError, match=rf"\[sources.x\]: {said}"):
        tables._read(Source, "sources", "x", {"format": "json", "columns": columns, "key": ["a"]})


@pytest.mark.parametrize(
    ("columns", "was", "becomes", "said"),
    [
        (
            SOURCES["sensor_logs"].columns,
            "timestamp TIMESTAMP",
            "at TIMESTAMP",
            "event_date is the day of time",
        ),
        (
            SOURCES["sensor_logs"].columns,
            "timestamp TIMESTAMP",
            "timestamp STRING",
            "event_date is the day of t",
        ),
        (
            SOURCES["sensor_logs"].columns,
            "location",
            "event_date DATE, location",
            "and none called event_date",
        ),
        (SOURCES["sensor_logs"].columns, "humidity DOUBLE", "humidity INT", ""),
        (SOURCES["sensor_logs"].columns, "humidity DOUBLE", "humidity STRING", ""),
        (
            SOURCES["sensor_logs"].columns,
            "sensor_id BIGINT",
            "sensor_id DOUBLE",
            "sensor_id is BIGINT, which has no room for each DOUBLE of [sources.sensor_logs]",
        ),
        (
            SOURCES["sensor_logs"].columns,
            "sensor_id BIGINT",
            "sensor_id STRING",
            "sensor_id is BIGINT, and a STRING in the key of [sources.sensor_logs]",
        ),
    ],
)
def test_silver_has_room_for_each_value_of_its_source(columns, was, becomes, said):
    source = replace(SOURCES["sensor_logs"], key=("sensor_id",), columns=columns.replace(was, becomes))
    sources = SOURCES | {"sensor_logs": source}
    if said:
        with pytest.raises(CatalogError, match=re.escape(said)):
            check_references(tables._catalog, sources, ACCEPTED, DERIVED, GOLD)
    else:
        check_references(tables._catalog, sources, ACCEPTED, DERIVED, GOLD)


@pytest.mark.parametrize(
    ("kind", "other", "has_room"),
    [
        ("INT", "DOUBLE", False),
        ("DECIMAL(10,2)", "DOUBLE", False),
        ("DECIMAL(10,2)", "DECIMAL(10,3)", False),
        ("DECIMAL(12,3)", "DECIMAL(11,2)", True),
        ("INT", "BIGINT", False),
        ("BIGINT", "INT", True),
        ("DATE", "TIMESTAMP", False),
        ("TIMESTAMP", "DATE", True),
        ("BOOLEAN", "INT", False),
        ("DOUBLE", "BIGINT", False),
        ("DOUBLE", "DECIMAL(10,2)", True),
        ("DOUBLE", "INT", True),
        ("DOUBLE", "STRING", True),
    ],
)
def test_a_type_has_room_for_another_if_no_value_changes(kind, other, has_room):
    assert holds(kind, other) is has_room


@pytest.mark.parametrize(
    ("kind", "returned", "is_cut"),
    [
        ("INT", "double", True),
        ("INT", "decimal(10,1)", True),
        ("INT", "boolean", False),
        ("DATE", "timestamp", True),
        ("DECIMAL(18,2)", "double", True),
        ("DECIMAL(18,2)", "decimal(18,3)", True),
        ("DOUBLE", "bigint", True),
        ("FLOAT", "double", True),
        ("DOUBLE", "float", False),
        ("DOUBLE", "void", False),
        ("TIMESTAMP", "timestamp_ntz", False),
        ("ARRAY<INT>", "array<int>", False),
        # Where one is too large, the cast itself is an error.
        ("INT", "bigint", False),
        ("SMALLINT", "bigint", False),
        ("DECIMAL(18,2)", "decimal(28,2)", False),
        ("DOUBLE", "string", False),
    ],
)
def test_a_cast_cuts_what_it_makes_less_of_without_an_error(kind, returned, is_cut):
    assert cuts(kind, returned) is is_cut


def test_two_sources_do_not_fill_one_table():
    second = replace(SOURCES["sensor_logs"], name="other_logs")
    with pytest.raises(
        CatalogError, match=r"\[sources.other_logs\]: sensor_logs fills \[silver.sensor_logs\]"
    ):
        check_references(tables._catalog, SOURCES | {"other_logs": second}, ACCEPTED, DERIVED, GOLD)


def test_a_decimal_keeps_its_two_numbers():
    assert columns_of("amount DECIMAL(10,2), night DATE") == {
        "amount": "DECIMAL(10,2)",
        "night": "DATE",
    }


def test_a_table_names_those_it_reads_before_itself():
    named: set[str] = set()
    for table in (*SILVER.values(), *GOLD.values()):
        assert set(table.reads) <= named, table
        named.add(table.name)


def test_what_a_table_is_made_from_is_found_through_derived_tables():
    devices = {source.name: days for source, days in sources_of(DERIVED["devices"]).items()}
    assert devices == {"devices": 0, "device_changes": 0}
    assert sources_of(GOLD["site_events"])[SOURCES["events"]] == 30
    assert GOLD["fleet_last_seen"].days == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reads": "readings"}, r'reads must be a list of strings, as in \["a", "b"\], not \'readings\''),
        ({"key": [1]}, r"key must be a list of strings, .* not \[1\]"),
        ({"days": "7"}, "days must be an integer from 0, not '7'"),
        ({"days": -1}, "days must be an integer from 0, not -1"),
        ({"columns": ["night DATE"]}, r"columns must be a string, not \['night DATE'\]"),
        ({"columns": "night DATE, rows"}, "columns has 'rows' without a type; write name TYPE, name TYPE"),
        ({"comments": "rows of the day"}, "comments must be a table of strings"),
    ],
    ids=str,
)
def test_a_value_of_another_kind_is_refused_with_what_it_must_be(given, said):
    with pytest.raises(CatalogError, match=rf"\[gold.daily\]: {said}"):
        read(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"key": "a"}, "key must be a list of strings"),
        ({"columns": ["a INT"]}, "columns must be a string"),
        ({"optional": "false"}, "optional must be true or false, not 'false'"),
    ],
    ids=str,
)
def test_a_value_of_another_kind_in_a_source_is_refused_with_what_it_must_be(given, said):
    values = {"format": "csv", "columns": "a INT", "key": ["a"], **given}
    with pytest.raises(CatalogError, match=rf"\[sources.x\]: {said}"):
        tables._read(Source, "sources", "x", values)


@pytest.mark.parametrize(
    ("columns", "said"), [({}, "missing key columns"), ({"columns": ["a INT"]}, "columns must be a string")]
)
def test_a_table_of_silver_says_its_columns_in_one_string(columns, said):
    with pytest.raises(CatalogError, match=rf"\[silver.x\]: {said}"):
        tables._silver("x", {"grain": "One row per line.", **columns})
