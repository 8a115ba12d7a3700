#!/usr/bin/env bash
# fastavro 1.13.1, avro 1.12.2
#
# Whether fastavro looks at a value depends on whether the field may be null. In a union, as of a nullable field, the value
# has to fit a branch and 21.7 for a long is an error. The same value for the same type in a required field is cast, without
# a word: 21.7 becomes 21 and -0.9 becomes 0, a boolean is whatever Python takes for true, so the text "false" is true, and
# a number beyond 32 bits is written into an int, which has 32. So making a field required, as one does for the important
# ones, ends the check. The file says nothing either; Apache's own writer refuses every one of these in both. Pass
# `validator=True` to the writer.
#
# Seen (what is read again: required, required with validator=True, nullable, required by Apache's writer):
#   21.7 as long             21           ValidationError ValueError AvroTypeException
#   -0.9 as long             0            ValidationError ValueError AvroTypeException
#   "false" as boolean       True         ValidationError ValueError AvroTypeException
#   "21.7" as double         21.7         ValidationError ValueError AvroTypeException
#   3000000000 as int        3000000000   ValidationError ValueError AvroTypeException
#   "21" as long             TypeError    ValidationError ValueError AvroTypeException
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fastavro==1.13.1 avro==1.12.2
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import io
import json

import avro.io
import avro.schema
import fastavro


def record(kind: object) -> dict[str, object]:
    return {"type": "record", "name": "reading", "fields": [{"name": "v", "type": kind}]}


def by_fastavro(kind: object, value: object, *, validator: bool = False) -> object:
    file = io.BytesIO()
    fastavro.writer(file, record(kind), [{"v": value}], validator=validator)
    file.seek(0)
    return next(fastavro.reader(file))["v"]


def by_apache(kind: object, value: object) -> object:
    schema = avro.schema.parse(json.dumps(record(kind)))
    file = io.BytesIO()
    avro.io.DatumWriter(schema).write({"v": value}, avro.io.BinaryEncoder(file))
    file.seek(0)
    return avro.io.DatumReader(schema).read(avro.io.BinaryDecoder(file))["v"]


def outcome(write, *values: object, **settings: bool) -> str:
    try:
        return str(write(*values, **settings))
    except Exception as error:
        return type(error).__name__


for text, value, kind in (
    ("21.7", 21.7, "long"),
    ("-0.9", -0.9, "long"),
    ('"false"', "false", "boolean"),
    ('"21.7"', "21.7", "double"),
    ("3000000000", 3000000000, "int"),
    ('"21"', "21", "long"),
):
    required = outcome(by_fastavro, kind, value)
    checked = outcome(by_fastavro, kind, value, validator=True)
    nullable = outcome(by_fastavro, ["null", kind], value)
    print(f"{f'{text} as {kind}':24} {required:12} {checked} {nullable} {outcome(by_apache, kind, value)}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
