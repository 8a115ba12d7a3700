"""JSON that is not an object a line becomes one: as many lines as records, in the characters of the original."""

import base64
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.json_path import path_of
from catalog.tables import SOURCES
from jobs.bronze import json_documents, json_records
from jobs.bronze.json_documents import is_document, is_unpacked, unpack
from jobs.bronze.json_records import each_by_itself, has_several, lines_of, records
from jobs.bronze.json_scanner import Fault

SITES = SOURCES["locations"]
INSIDE = replace(SITES, records="data.items")
# As parsers would write it otherwise: digits, escapes, spaces, a key twice, a separator that is a line break to Python.
ONE = '{"a": 1.10, "b":"\\u00e9\\n\u2028", "n": 12345678901234567890123, "e":1E5, "a": [ ]}'
TWO = '{"a":{"data":{"items":[1]}},"b":"}{"}'
PRETTY = '{\r\n  "a": 1,\r\n  "b": [\n1,\n2]\n}'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"[\n{ONE},\n{TWO}\n]\n", [ONE, TWO]),
        (f"[{ONE},{TWO}]", [ONE, TWO]),
        (f"[{ONE}\n,{TWO}\n,]", [ONE, TWO]),
        (f"\ufeff[{ONE}]\n\ufeff[{TWO}]", [ONE, TWO]),
        (f"[[{ONE}],[],[{TWO}]]", [ONE, TWO]),
        (f"{ONE}{TWO}", [ONE, TWO]),
        (f"{ONE} {TWO}\n{ONE}", [ONE, TWO, ONE]),
        (f"{ONE},\n{TWO},\n", [ONE, TWO]),
        (f"\x1e{ONE}\n\x1e{TWO}\n", [ONE, TWO]),
        (PRETTY, ['{   "a": 1,   "b": [ 1, 2] }']),
        (f"{PRETTY}\n{PRETTY}", ['{   "a": 1,   "b": [ 1, 2] }'] * 2),
        ("[]", []),
        ("\n \n", []),
        # What C and JavaScript write for no number, and a text that is like it.
        (
            '[{"t": nan, "s": "\\": nan, b"},\n{"t":-1.#IND, "u": [undefined,-inf]}]',
            ['{"t": "nan", "s": "\\": nan, b"}', '{"t":"-1.#IND", "u": ["undefined","-inf"]}'],
        ),
        (json.dumps('[{"t": NAN(ind)}]'), ['{"t": "NAN(ind)"}']),
        ('{"n": %s}' % ("9" * 5000), ['{"n": %s}' % ("9" * 5000)]),
        # Texts of JSON, as some bridges and queues have messages.
        (f"{json.dumps(ONE)}\n{json.dumps(json.dumps(TWO))}", [ONE, TWO]),
        (
            json.dumps([PRETTY, f" [{ONE},{TWO}]\n", "[]", TWO]),
            ['{   "a": 1,   "b": [ 1, 2] }', ONE, TWO, TWO],
        ),
    ],
)
def test_objects_become_a_line_each_as_they_are_spelled(text, found):
    assert [*records(text)] == found


@pytest.mark.parametrize(
    "text",
    [
        f'{{"count": 2, "data": {{"next": null, "items": [{ONE}, {TWO}]}}, "x": [{{}}]}}',
        f'[{{"data": {{"items": {ONE}}}}},\n{{"data": {{"items": [{TWO}], "more": []}}}}]',
        f'{{"data": [{{"items": [{ONE}]}}, {{"items": [{TWO}]}}]}}',
        json.dumps({"data": base64.b64encode(f'{{"items": [{ONE}, {TWO}]}}'.encode()).decode()}),
        json.dumps([{"data": {"items": None}}, {"data": f'{{"items": [{ONE}, {TWO}]}}'}]),
    ],
)
def test_records_are_found_where_the_catalog_says_they_lie(text):
    assert [*records(text, "data.items")] == [ONE, TWO]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"[\n{TWO},\n{TWO},", "line 3, column 39: an object is wanted, found the end"),
        (f"[{TWO}\n{TWO}]", "line 2, column 1: ',' or ']' is wanted, found '{\"a\":"),
        ('{"a": 1,\n "b": tru}', "line 2, column 7: Expecting value, found 'tru}'"),
        ('[{"a": 1}, 42]', "line 1, column 12: an object is wanted, found '42]'"),
        ("sensor_id,timestamp", "line 1, column 1: an object is wanted, found 'sensor_id,timestamp'"),
        ('{"a": "line\nbreak"}', "line 1, column 12: Invalid control character at"),
        ('{"a": 1}\n"no JSON"', "line 2, column 1: an object is wanted, found '\"no JSON\"'"),
        ('"eyJhIjox"', "line 1, column 1: an object is wanted"),
        ('"eyJhIjo"', "line 1, column 1: an object is wanted"),
        (json.dumps('{"a": 1} x'), "line 1, column 1: an object is wanted"),
        (r'"{\"a\": \"\ud83d\"}"', "line 1, column 1: an object is wanted"),
        ('"{\\"a\\": \\"\udcff\\"}"', "line 1, column 1: an object is wanted"),
        ("[" * 100_000, "line 1, column 1: too many brackets within each other"),
        ('{"a":' * 100_000, "line 1, column 1: too many brackets within each other"),
    ],
)
def test_what_is_no_whole_json_is_said_with_line_and_column(text, said):
    with pytest.raises(Fault) as fault:
        [*records(text)]
    assert str(fault.value).startswith(said) and "\n" not in str(fault.value)


def test_a_document_without_records_where_they_should_lie_is_a_fault():
    with pytest.raises(Fault, match="line 1, column 10: an object with items is wanted"):
        [*records('{"data": {"values": []}}', "data.items")]
    with pytest.raises(Fault, match="line 2, column 1: an object with data is wanted"):
        [*records('[\n{"a": 1},\n{"b": 2}]', "data.items")]


HAS_ONE, HAS_TWO = (f'{{"data": {{"items": [{each}]}}}}' for each in (ONE, TWO))


@pytest.mark.parametrize(
    "lacking",
    [
        '{"status": "ok"}',
        '{"data": {"values": [{}]}}',
        '{"data": "idle"}',
        '{"data": {"items": 5}}',
        '{"data": {"items": "none"}}',
        '{"data": {"items": false}, "items": [{}]}',
        "{ }",
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "[{}, {}, {}]",
        "[[{},\r\n{}], [[{}]]]",
        "{}{}\n{}",
        "{},\n{},\n{}\n",
    ],
)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_of_several_objects_one_without_records_is_a_malformed_record_and_the_others_are_read(
    text, lacking, at
):
    objects = [HAS_ONE, HAS_TWO]
    objects.insert(at, lacking)
    found: list[str] = [ONE, TWO]
    found.insert(at, f"no records in data.items: {lacking}")
    whole = text.replace("{}", "%s") % (*objects,)
    assert [*records(whole, "data.items")] == found
    as_texts = json.dumps([*objects])
    assert [*records(as_texts, "data.items")] == found


def test_what_has_no_records_is_looked_for_in_the_innermost_array():
    text = f'{{"site": "A", "data": [{{"items": {ONE}}}, {{"values": [1]}}, {{"items": {TWO}}}]}}'
    said = 'no records in data.items: {"values": [1]}'
    assert [*records(text, "data.items")] == [ONE, said, TWO]
    around = [path_of("$.site")]
    assert [*records(text, "data.items", around)] == [
        f'{{"$":{{"site": "A"}},{ONE[1:]}',
        said,
        f'{{"$":{{"site": "A"}},{TWO[1:]}',
    ]


def test_a_document_with_something_else_among_its_objects_or_records_is_no_document():
    for text in (f"[{HAS_ONE}, 5]", f"[{HAS_ONE}, {HAS_TWO[:-1]}]", f'{{"data": {{"items": [{ONE}, 5]}}}}'):
        with pytest.raises(Fault):
            [*records(text, "data.items")]


TEXT = st.text(max_size=6)
LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUE = LEAF | st.lists(LEAF, max_size=3) | st.dictionaries(TEXT, LEAF, max_size=3)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.dictionaries(TEXT, VALUE, max_size=3), max_size=3), st.sampled_from([None, 1]), st.booleans()
)
def test_an_array_and_its_objects_in_sequence_have_the_records_that_json_has(objects, indent, is_ascii):
    array = json.dumps(objects, indent=indent, ensure_ascii=is_ascii)
    sequence = "".join(json.dumps(each, indent=indent, ensure_ascii=is_ascii) for each in objects)
    document = json.dumps({"data": {"items": objects}, "x": objects}, indent=indent, ensure_ascii=is_ascii)
    for text, path in ((array, ""), (sequence, ""), (document, "data.items")):
        lines = [*records(text, path)]
        assert [json.loads(line) for line in lines] == objects
        assert not any("\n" in line or "\r" in line for line in lines)


AROUND = [*map(path_of, ("$.gateway", "$.at[0].ms", "$.data.site.id", "$.data['x.y']"))]
# In any order of members, also behind the records.
ITEMS = st.lists(st.dictionaries(TEXT.filter(lambda name: name != "$"), VALUE, max_size=2), max_size=3)
INNER = st.tuples(
    ITEMS | ITEMS.filter(len).map(lambda found: found[0]), VALUE, VALUE, st.permutations(range(4))
)
OUTER = st.tuples(INNER | st.lists(INNER, max_size=2), VALUE, VALUE, st.permutations(range(4)))


def members(values: tuple[Any, ...], names: list[str]) -> dict[str, Any]:
    """An object of some values, in an order of theirs; None of them is left out."""
    *values, order = values
    found = [*zip(names, [*values, 1], strict=True)]
    return dict(found[at] for at in order if found[at][1] is not None)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(OUTER, max_size=3), st.sampled_from([None, 1]), st.booleans())
def test_each_record_has_what_it_is_to_have_of_the_document_around_it_and_nothing_else(
    made, indent, is_alone
):
    documents, meant = [], []
    for inner, *rest in made:
        datas = [members(each, ["items", "site", "x.y", "next"]) for each in listed(inner)]
        outer = members(
            (datas if isinstance(inner, list) else datas[0], *rest), ["data", "gateway", "at", "count"]
        )
        documents.append(outer)
        for data in outer["data"] if isinstance(inner, list) else datas:
            kept = {name: data[name] for name in ("site", "x.y") if name in data}
            envelope = {name: outer[name] for name in ("gateway", "at") if name in outer}
            envelope |= {"data": kept} if kept else {}
            meant += [{"$": envelope} | each for each in listed(data["items"])]
    text = json.dumps(documents, indent=indent)
    if is_alone:
        text = "\n".join(json.dumps(each, indent=indent) for each in documents)
    lines = [*records(text, "data.items", AROUND)]
    assert [json.loads(line) for line in lines] == meant
    assert not any("\n" in line or line.count('"$"') > 1 for line in lines)


def test_a_record_that_has_a_dollar_of_its_own_has_two_and_what_is_around_it_is_in_its_own_characters():
    text = '{"gateway" :\r\n"\\u0067w",\n"data":{"items":[{"$":1}, { }]},"x":[1,2],"at":[1.10,\n2]}'
    kept = '{"$":{"gateway" : "\\u0067w","at":[1.10, 2]}'
    assert [*records(text, "data.items", AROUND)] == [f'{kept},"$":1}}', f"{kept} }}"]
    assert [*records('{"data":{"items":[{}]}}', "data.items", AROUND)] == ['{"$":{}}']


def test_what_is_nearly_called_like_what_a_record_is_to_have_is_kept_so_that_it_can_be_said():
    text = '{"Gateway":1,"at.ms":2,"other":3,"data":{"SITE":4,"items":[{"t":5}]}}'
    (line,) = records(text, "data.items", AROUND)
    assert line == '{"$":{"Gateway":1,"at.ms":2,"data":{"SITE":4}},"t":5}'


def test_what_records_have_of_their_document_does_not_become_much_more_than_the_document(monkeypatch):
    monkeypatch.setattr(json_records, "MOST_AROUND", 1000)
    text = json.dumps({"gateway": "x" * 90, "data": {"items": [{}] * 9}})
    assert len([*records(text, "data.items", AROUND)]) == 9
    with pytest.raises(Fault, match="line 1, column 1: too much is around the records"):
        [*records(text.replace("{}", "{}, {}"), "data.items", AROUND)]


def test_a_file_is_unpacked_with_what_its_source_wants_of_the_document(tmp_path):
    source = replace(INSIDE, names=(("$.gateway", "region"),))
    document = f'{{"data": {{"items": [{ONE}, {TWO}]}}, "gateway": "gw-7"}}'
    lines = [f'{{"$":{{"gateway": "gw-7"}},{each[1:]}' for each in (ONE, TWO)]
    for name, text in (("a.json", f"[\n{document}]"), ("b.jsonl", f"{document}\n")):
        file = put(tmp_path, name, text)
        assert is_document(file, source) and unpack(file, source, file, tmp_path / f"kept/{name}") is None
        assert file.read_text().split("\n") == [*lines, ""]


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        (ONE, [ONE]),
        (PRETTY, ['{   "a": 1,   "b": [ 1, 2] }']),
        (f"[{ONE},{TWO}]", [ONE, TWO]),
        (f"{ONE}\n{TWO}\n", [ONE, TWO]),
        (f"{ONE} {TWO}", [ONE, TWO]),
        (json.dumps(ONE), [ONE]),
        (f'{ONE}\n{{"a": 1, "b\n[{TWO}]', [ONE, '{"a": 1, "b', TWO]),
        ('{"a": 1,\n"b', ['{"a": 1, "b']),
        ("no JSON", ["no JSON"]),
        ("[]", []),
        (" ", []),
    ],
)
def test_a_message_is_landed_as_a_line_for_each_of_its_records(message, lines):
    assert lines_of(message) == lines
    assert [line for each in lines for line in lines_of(each)] == lines, "again is the same"


def put(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    content = text.encode(errors="surrogateescape")
    file.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return file


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lines.json", f"{ONE}\n\n{TWO}\n"),
        ("broken.json", f'{ONE}\n{{"a": 1, "b\n{TWO[:-1]}'),
        ("first broken.json", f'{{"a": 1, "b\n{ONE}\n{TWO}'),
        ("not even one.jsonl", "no JSON\n{\n"),
        ("empty.json", "\n"),
        ("one.json", ONE),
        ("broken sensor.json", '{"a": nan, "b": [-inf,NAN(ind) ]}\n{"a": undefined}\n{"a":-1.#IND}\n'),
    ],
)
def test_a_file_of_json_lines_is_left_as_it_is_though_some_may_be_broken(tmp_path, name, text):
    assert not is_document(put(tmp_path, name, text), SITES)


@pytest.mark.parametrize("name", ["f.json", "f.json.gz", "f.txt"])
@pytest.mark.parametrize("where", ["arrived", "f"])
def test_an_unpacked_file_has_a_line_for_each_record_and_the_original_is_kept(tmp_path, name, where):
    file = put(tmp_path, name, f"\ufeff[{ONE},\n{PRETTY}]")
    before, kept = file.read_bytes(), tmp_path / "_documents" / name
    target = file if where == "f" else tmp_path / where / name
    assert is_document(file, SITES) and not is_unpacked(file, kept)
    assert unpack(file, SITES, target, kept) is None
    opened = gzip.open if name.endswith("gz") else open
    with opened(target, "rt", encoding="utf-8", newline="") as lines:
        assert lines.read() == f'{ONE}\n{{   "a": 1,   "b": [ 1, 2] }}\n'
    assert kept.read_bytes() == before
    assert file.exists() == (target == file)
    assert not is_document(target, SITES) and is_unpacked(target, kept)
    assert not [*tmp_path.rglob(".*")]


def test_bytes_that_are_no_utf8_stay_what_they_are(tmp_path):
    file = put(tmp_path, "f.json", '[{"a": "\udcff"}]')
    assert unpack(file, SITES, file, tmp_path / "kept") is None
    assert file.read_bytes() == b'{"a": "\xff"}\n'


def test_of_a_file_of_lines_those_with_several_records_become_several(tmp_path):
    file = put(tmp_path, "f.json", f'{ONE}\n{TWO}{TWO}\n{{"a": 1, "b\n{ONE},\n')
    assert is_document(file, SITES)
    assert unpack(file, SITES, file, tmp_path / "kept") is None
    assert file.read_text().split("\n") == [ONE, TWO, TWO, '{"a": 1, "b', ONE, ""]


@pytest.mark.parametrize(
    "batch",
    [f"[{ONE},{TWO}]", f" {ONE}{TWO}", f"{ONE} , {TWO}", f"{ONE}[{TWO}]", f"\x1e{ONE}\x1e{TWO}", f"{ONE},"],
)
@pytest.mark.parametrize("name", ["f.json", "f.jsonl", "f.json.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n \t"])
def test_a_line_with_several_records_is_unpacked_wherever_it_stands(tmp_path, monkeypatch, batch, name, end):
    monkeypatch.setattr(json_documents, "PIECE", 1000)
    file = put(tmp_path, name, "\ufeff" + f"{TWO}{end}" * 150 + f"{batch}{end}" + f"{TWO}{end}" * 150)
    assert is_document(file, SITES)
    assert unpack(file, SITES, file, tmp_path / "kept") is None
    opened = gzip.open if name.endswith("gz") else open
    with opened(file, "rt", encoding="utf-8", newline="\n") as lines:
        found = [line.strip() for line in lines if line.strip()]
    assert found == [TWO] * 150 + [*records(batch)] + [TWO] * 150
    assert not is_document(file, SITES)


PIECES = st.sampled_from(
    [ONE, TWO, "{}", "[{}]", '"{}"', "}{", '{"a": [{}, {}]}', '"', ",", " ", "\ufeff", "]", '{"b": 1', "é"]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(PIECES, max_size=3).map("".join), max_size=6), st.sampled_from([1, 30, 1 << 20]))
@example([f'{ONE}"{{}}"{ONE}'], 1)
@example([f'{ONE}, "{{}} ",{ONE}'], 1)
def test_the_quick_look_through_a_file_finds_each_line_that_unpacking_would_change(
    tmp_path, monkeypatch, lines, piece
):
    monkeypatch.setattr(json_documents, "PIECE", piece)
    file = put(tmp_path, "f.json", "\n".join([ONE, *lines]))
    found = [[*each_by_itself([line])] for line in lines]
    is_changed = any(each and each != [line] for line, each in zip(lines, found, strict=True))
    assert is_changed <= is_document(file, SITES) <= any(map(has_several, lines))


def test_lines_that_are_plainly_an_object_each_are_not_parsed(tmp_path, monkeypatch):
    file = put(tmp_path, "f.jsonl", f'{{"a": {{"b": 1}}, "c": [[1], [2]]}}\r\n{ONE}\r\n' * 1000)

    def parsed(line: str) -> bool:
        raise AssertionError(line)

    monkeypatch.setattr(json_documents, "has_several", parsed)
    assert not is_document(file, SITES)


SPREAD = f'{{\n "count": 2,\n "data": {{"items": [\n  {ONE},\n  {TWO}\n ]}}\n}}\n'


@pytest.mark.parametrize(
    ("text", "of", "found"),
    [
        (SPREAD, SITES, [" ".join(SPREAD.split("\n")).strip()]),
        (SPREAD, INSIDE, [ONE, TWO]),
        (f"[\n  {ONE},\n  {TWO},\n  {ONE}\n]\n", SITES, [ONE, TWO, ONE]),
        (f"[{ONE},{TWO}]\n[{ONE}]\n", SITES, [ONE, TWO, ONE]),
        (f"[{ONE},{TWO}]\n[{ONE}, {{\n[{TWO}]\n", SITES, [ONE, TWO, f"[{ONE}, {{", TWO]),
        (f"[{ONE}, {{\n[{TWO}]\n{ONE}{ONE}\n", SITES, [f"[{ONE}, {{", TWO, ONE, ONE]),
        (f"{ONE},\n{{\n{TWO},\n", SITES, [ONE, "{", TWO]),
    ],
)
@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".jsonl.gz"])
def test_a_document_is_one_though_its_name_says_that_it_is_lines(tmp_path, text, of, found, suffix):
    file, target = put(tmp_path, f"f{suffix}", text), tmp_path / "to" / f"f{suffix}"
    assert is_document(file, of) and unpack(file, of, target, tmp_path / "kept") is None
    content = gzip.decompress(target.read_bytes()) if suffix.endswith("gz") else target.read_bytes()
    assert content.decode().split("\n") == [*found, ""]


def test_of_a_document_that_is_not_whole_no_object_within_it_is_unpacked_because_of_its_name(tmp_path):
    file = put(tmp_path, "f.jsonl", SPREAD.rstrip()[:-1])
    assert not is_document(file, SITES), "each line is a malformed record"


@pytest.mark.parametrize("name", ["f.json", "f.jsonl"])
def test_a_source_whose_records_lie_inside_has_documents_a_line_too(tmp_path, name):
    document = f'{{"data": {{"items": [{ONE}, {TWO}]}}}}'
    file = put(tmp_path, name, f"{document}\n{document}\n")
    kept = tmp_path / "kept"
    assert is_document(file, INSIDE) and unpack(file, INSIDE, file, kept) is None
    assert file.read_text().split("\n") == [ONE, TWO, ONE, TWO, ""]
    assert is_unpacked(file, kept), "though TWO has data.items as well"


def test_what_is_written_for_no_number_is_a_string_of_a_record_that_is_taken_out_of_its_line():
    line = ' {"data": {"items": [{"t": nan, "s": "nan"}, {"t":-INF}]}}\r'
    assert [*each_by_itself([line], "data.items")] == ['{"t": "nan", "s": "nan"}', '{"t":"-INF"}']
    assert [*each_by_itself(['[{"t": nan}, {}]', '[{"t": nan}, {'])] == [
        '{"t": "nan"}',
        "{}",
        '[{"t": nan}, {',
    ]


@pytest.mark.parametrize(
    "line", ['{"a": 1}', '{"a": 1, "data": null}', '{"data": {"items": 5}}', '{"data": {"items": [{}, 5]}}']
)
@pytest.mark.parametrize("name", ["f.json", "f.jsonl"])
def test_an_object_without_records_where_they_should_lie_is_a_malformed_line_and_says_so(
    tmp_path, name, line
):
    document = f'{{"data": {{"items": [{ONE}]}}}}'
    file = put(tmp_path, name, f'{document}\n{line}\n{{"a": 1, "b\n{document}\n')
    assert unpack(file, INSIDE, file, tmp_path / "kept") is None
    said = f"no records in data.items: {line}"
    assert file.read_text().split("\n") == [ONE, said, '{"a": 1, "b', ONE, ""]


def test_a_file_that_cannot_be_unpacked_whole_stays_and_it_is_said_where_and_what_to_do(tmp_path):
    file = put(tmp_path, "f.json", f"[\n{ONE},\n{TWO}")
    kept, target = tmp_path / "kept", tmp_path / "arrived" / "f.json"
    assert unpack(file, SITES, target, kept) == (
        "it is no whole JSON (line 3, column 38: ',' or ']' is wanted, found the end); "
        "bring an object a line, or an array of objects"
    )
    assert unpack(file, INSIDE, target, kept).endswith("bring documents with objects in data.items")
    assert file.read_text() == f"[\n{ONE},\n{TWO}"
    assert not kept.exists() and not [*target.parent.iterdir()]


def test_a_document_larger_than_memory_allows_is_not_read_and_json_lines_may_be_of_any_size(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(json_documents, "MOST", 1000)
    large = put(tmp_path, "f.json", "[" + ",\n".join([TWO] * 100) + "]")
    said = unpack(large, SITES, large, tmp_path / "kept")
    assert "a document may not be larger" in said and "an object a line" in said
    lines = put(tmp_path, "g.json", f"{TWO}{TWO}\n" + f"{TWO}\n" * 100)
    assert unpack(lines, SITES, lines, tmp_path / "kept") is None
    assert lines.read_text() == f"{TWO}\n" * 102
