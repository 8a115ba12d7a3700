#!/usr/bin/env bash
# avro 1.12.2, fastavro 1.13.1
#
# A meter's count or an amount of money is a decimal with two places in the schema, and the program has
# Decimal("21.7"). Apache's own library for Python writes the digits that there are and leaves the places to the
# schema: 21.7 is 2.17 in the file, for whoever reads it, 21 is 0.21, and 20, once it is normalized to 2E+1, is 0.02.
# What has two places by chance is right, so a test with a price proves nothing, and it is the round values that
# shrink. More digits than the precision are written as well, and read again they are rounded to it. Nothing is said;
# only places beyond the scale are refused. fastavro writes them all rightly, and refuses what has too many digits. For
# both of them `value.quantize(Decimal("0.01"))` before writing is right.
#
# Seen (ten digits, two of them places; written and read by avro; written by avro, read by fastavro; by fastavro):
#   21.70         21.70        21.70        21.70
#   21.7          2.17         2.17         21.70
#   21            0.21         0.21         21.00
#   20            0.20         0.20         20.00
#   2E+1          0.02         0.02         20.00
#   -0.5          -0.05        -0.05        -0.50
#   12345678.9    1234567.89   1234567.89   12345678.90
#   123456789.12  123456789.1  123456789.1  refused
#   21.745        refused      refused      refused
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet avro==1.12.2 fastavro==1.13.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import io
import json
from decimal import Decimal

import avro.errors
import avro.io
import avro.schema
import fastavro

AMOUNT = {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}
SCHEMA = {"type": "record", "name": "reading", "fields": [{"name": "v", "type": AMOUNT}]}
APACHES = avro.schema.parse(json.dumps(SCHEMA))


def written(value: Decimal) -> bytes:
    file = io.BytesIO()
    avro.io.DatumWriter(APACHES).write({"v": value}, avro.io.BinaryEncoder(file))
    return file.getvalue()


def read(data: bytes) -> Decimal:
    return avro.io.DatumReader(APACHES).read(avro.io.BinaryDecoder(io.BytesIO(data)))["v"]


def by_fastavro(data: bytes) -> Decimal:
    return fastavro.schemaless_reader(io.BytesIO(data), SCHEMA)["v"]


def written_by_fastavro(value: Decimal) -> bytes:
    file = io.BytesIO()
    fastavro.schemaless_writer(file, SCHEMA, {"v": value})
    return file.getvalue()


def said(run) -> object:
    try:
        return run()
    except (ValueError, avro.errors.AvroException):
        return "refused"


for text in ("21.70", "21.7", "21", "20", "2E+1", "-0.5", "12345678.9", "123456789.12", "21.745"):
    value = Decimal(text)
    found = (
        said(lambda: read(written(value))),
        said(lambda: by_fastavro(written(value))),
        said(lambda: by_fastavro(written_by_fastavro(value))),
    )
    print(f"{text:13} {found[0]!s:12} {found[1]!s:12} {found[2]}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
