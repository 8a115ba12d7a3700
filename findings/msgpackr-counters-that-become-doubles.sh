#!/usr/bin/env bash
# msgpackr 2.1.4, cbor-x 1.6.9, @msgpack/msgpack 3.1.3, cbor 10.0.12 (Node.js 20), msgspec 0.23.0, msgpack 1.2.4,
# cbor2 6.3.0 (Python)
#
# A gateway in Node.js sends a counter as MessagePack or CBOR, which both have integers of 64 bits. msgpackr and cbor-x
# write integers, until one needs more than 32 bits: 4294967295 is an integer and 4294967296 a double, although their
# READMEs say of doubles only that numbers that are no integers become such (of kriszyp/cbor-x issue 56 it is said that
# this is meant). In Node.js both are one type, so no test there shows it. In Python the counter is a float from that
# day on: a reader with a schema (msgspec) refuses the message after years, a column of integers becomes one of doubles,
# and a key as text gets ".0". A time in milliseconds is a float at once. The two other packages write integers, and so
# do these of a `BigInt(value)`.
#
# Seen (value; in Python, from msgpackr, cbor-x, @msgpack/msgpack, cbor; by msgspec as int, from msgpackr):
#   4294967295         4294967295         4294967295         4294967295         4294967295         4294967295
#   4294967296         4294967296.0       4294967296.0       4294967296         4294967296         refused
#   -2147483648        -2147483648        -2147483648        -2147483648        -2147483648        -2147483648
#   -2147483649        -2147483649.0      -2147483649        -2147483649        -2147483649        refused
#   1709640000123      1709640000123.0    1709640000123.0    1709640000123      1709640000123      refused
#   the same, BigInt   1709640000123      1709640000123      -                  1709640000123      1709640000123
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet msgspec==0.23.0 msgpack==1.2.4 cbor2==6.3.0
cd "$folder"
npm install --silent --no-audit --no-fund --omit=optional \
  msgpackr@2.1.4 cbor-x@1.6.9 @msgpack/msgpack@3.1.3 cbor@10.0.12 > log 2>&1 || { tail -20 log >&2; exit 1; }
cat > node.js <<'JS'
const writers = [
  require("msgpackr").pack,
  require("cbor-x").encode,
  require("@msgpack/msgpack").encode,
  require("cbor").encode,
];
const rows = [4294967295, 4294967296, -2147483648, -2147483649, 1709640000123].map((value) => [String(value), value]);
rows.push(["the same, BigInt", 1709640000123n]);
const written = rows.map(([name, value]) => [
  name,
  ...writers.map((write) => {
    try {
      return Buffer.from(write(value)).toString("hex");
    } catch (error) {
      return null; // no integers of this kind
    }
  }),
]);
console.log(JSON.stringify(written));
JS
cat > python.py <<'PYTHON'
import json
import sys

import cbor2
import msgpack
import msgspec


def strictly(data: bytes) -> str:
    try:
        return str(msgspec.msgpack.decode(data, type=int))
    except msgspec.ValidationError:
        return "refused"


for name, *texts in json.load(sys.stdin):
    data = [text and bytes.fromhex(text) for text in texts]
    readers = (msgpack.unpackb, cbor2.loads, msgpack.unpackb, cbor2.loads)
    found = ["-" if each is None else str(read(each)) for read, each in zip(readers, data, strict=True)]
    print(f"{name:18} {' '.join(f'{each:18}' for each in [*found, strictly(data[0])])}".rstrip())
PYTHON
node node.js 2> log > written || { tail -20 log >&2; exit 1; }
"$folder/venv/bin/python" python.py < written > seen 2> log || { tail -20 log >&2; exit 1; }
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
