"""SenML is read as RFC 8428 says that its records are resolved."""

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.tables import SOURCES
from jobs.bronze.json_documents import is_document, unpack
from jobs.bronze.json_records import lines_of, records
from jobs.bronze.json_scanner import Fault

PACK = replace(SOURCES["locations"], senml=True)
# 5.1.2 and 5.1.4 of the RFC.
SEVERAL = """[
 {"bn":"urn:dev:ow:10e2073a0108006:","bt":1.276020076001e+09,"bu":"A","bver":5,"n":"voltage","u":"V","v":120.1},
 {"n":"current","t":-5,"v":1.2}, {"n":"current","t":-4,"v":1.30}, {"n":"current","v":1.7}
]"""
RESOLVED = [
    '{"n":"urn:dev:ow:10e2073a0108006:voltage","t":1276020076.001,"u":"V","bver":5,"v":120.1}',
    '{"n":"urn:dev:ow:10e2073a0108006:current","t":1276020071.001,"u":"A","v":1.2}',
    '{"n":"urn:dev:ow:10e2073a0108006:current","t":1276020072.001,"u":"A","v":1.30}',
    '{"n":"urn:dev:ow:10e2073a0108006:current","t":1276020076.001,"u":"A","v":1.7}',
]


def resolved(text: str, path: str = "") -> list[str]:
    return [*records(text, path, is_senml=True)]


def test_a_pack_of_the_rfc_is_read_as_the_rfc_says():
    assert resolved(SEVERAL) == RESOLVED
    assert resolved(f'{{"gateway": 7, "pack": {SEVERAL}}}', "pack") == RESOLVED


def test_a_message_is_landed_as_a_pack_of_which_no_record_is_without_its_base():
    (line,) = lines_of(SEVERAL, is_senml=True)
    assert "\n" not in line and resolved(line) == RESOLVED


NUMBERS = st.none() | st.integers(-(10**12), 10**12) | st.decimals(-1000, 1000, places=3).map(float)
TEXTS = st.none() | st.text(max_size=3)
RECORD = st.fixed_dictionaries(
    {"bn": TEXTS, "n": st.text(min_size=1, max_size=3), "bu": TEXTS, "u": TEXTS}
    | {name: NUMBERS for name in ("bt", "t", "bv", "v", "bs", "s")}
    | {"vs": TEXTS, "more": st.none() | st.just([{"bn": 1.5}])}
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(RECORD, max_size=4), max_size=3))
def test_records_are_resolved_as_plain_sums_and_names_say(packs):
    packs = [[{k: v for k, v in record.items() if v is not None} for record in pack] for pack in packs]
    meant = []
    for pack in packs:
        base: dict[str, Any] = {}
        for record in pack:
            base |= {name: value for name, value in record.items() if name in ("bn", "bt", "bu", "bv", "bs")}
            own = {name: value for name, value in record.items() if name not in base}
            if "bn" in base:
                own["n"] = base["bn"] + own.get("n", "")
            if "bu" in base:
                own.setdefault("u", base["bu"])
            for name in "tvs":
                if f"b{name}" in base and (name in own or name == "t"):
                    own[name] = number(base[f"b{name}"]) + number(own.get(name, 0))
            meant.append({name: number(value) for name, value in own.items()})
    found = [json.loads(line, parse_float=Fraction) for line in resolved(json.dumps(packs))]
    for each in found:
        if isinstance(time := each.get("t"), str):
            each["t"] = Fraction(time.removesuffix(" s from when it was sent"))
        assert "t" not in each or isinstance(time, str) == (each["t"] < 2**28)
    assert [{name: number(value) for name, value in each.items()} for each in found] == meant


def number(value: Any) -> Any:
    return Fraction(str(value)) if isinstance(value, int | float | Fraction) else value


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ('{"bn":5,"n":"a"}', "bn fits no n"),
        ('{"bt":"noon"}', "bt fits no t"),
        ('{"bt":1,"t":"noon"}', "bt fits no t"),
        ('{"bv":1,"v":true}', "bv fits no v"),
        ('{"n":"a","n":"b"}', "it has a name twice"),
        ('{"v":1e99999999999999999999}', "a number has too large an exponent"),
        ('{"v":1}', "it has neither a name nor a base name"),
        ('{"bn":"","bt":1276020076,"v":1}', "it has neither a name nor a base name"),
    ],
)
def test_base_fields_that_fit_nothing_are_a_malformed_record_that_says_so(tmp_path, record, why):
    with pytest.raises(Fault, match=rf"line 1, column 2: SenML is wanted \({why}\), found '"):
        resolved(f"[{record}]")
    file = tmp_path / "f.jsonl"
    file.write_text(f'{{"bn":"a","n":"b","v":1}}\n{record}\n{SEVERAL.replace(chr(10), "")}\n')
    assert is_document(file, PACK) and unpack(file, PACK, file, tmp_path / "kept") is None
    said = f"no record of SenML ({why}): {record}"
    assert file.read_text().split("\n") == ['{"n":"ab","v":1}', said, *RESOLVED, ""]
