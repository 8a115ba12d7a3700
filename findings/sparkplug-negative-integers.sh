#!/usr/bin/env bash
# pysparkplug 0.6.1, sparkplug-payload 1.0.3 (Node.js 20)
#
# A Sparkplug payload says of each metric which type it has, and yet two libraries do not read each other's
# integers. The format has one unsigned field for all that is up to 32 bits wide. Eclipse Tahu's package for Node.js
# writes -5 into it as 32 bits whatever the type, pysparkplug as many bits as the type has. So a temperature of -5 as
# Int8 or Int16 from Python is 251 or 65531 in Node.js, without a word, and the one from Node.js is an error in Python
# that takes the payload's other metrics with it. A UInt32, such as a counter, belongs into that field by the
# specification, and Tahu's package has it in the one for 64 bits: from Python it is null in Node.js, whatever its
# value. What is not negative is right in the signed types, so a test in summer proves nothing, and each library reads
# what it wrote. Int32, Int64 and Double are safe both ways. (eclipse-tahu/tahu issue 397 and matteosox/pysparkplug
# pull request 32 have a part of it each.)
#
# Seen (what was written; what is read from Python in Node.js, from Node.js in Python, from Python in Python):
#   Int8    -5            251                     OverflowError           -5
#   Int8    5             5                       5                       5
#   Int16   -5            65531                   OverflowError           -5
#   Int32   -5            -5                      -5                      -5
#   Int64   -5            -5                      -5                      -5
#   UInt16  50000         50000                   50000                   50000
#   UInt32  7             null                    7                       7
#   UInt32  3000000000    null                    3000000000              3000000000
#   UInt64  3000000000    3000000000              3000000000              3000000000
#   Double  -5            -5                      -5.0                    -5.0
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pysparkplug==0.6.1 protobuf==7.36.2
cd "$folder"
npm install --silent --no-audit --no-fund sparkplug-payload@1.0.3 > log 2>&1 || { tail -20 log >&2; exit 1; }
cat > cases.json <<'JSON'
[["Int8", -5], ["Int8", 5], ["Int16", -5], ["Int32", -5], ["Int64", -5], ["UInt16", 50000],
 ["UInt32", 7], ["UInt32", 3000000000], ["UInt64", 3000000000], ["Double", -5]]
JSON
cat > node.js <<'JS'
const fs = require("fs");
const sparkplug = require("sparkplug-payload").get("spBv1.0");
const cases = JSON.parse(fs.readFileSync("cases.json"));
const at = 1709632800000;
if (process.argv[2] === "write") {
  for (const [type, value] of cases) {
    const metrics = [{ name: "metric", timestamp: at, type, value }];
    console.log(Buffer.from(sparkplug.encodePayload({ timestamp: at, seq: 0, metrics })).toString("hex"));
  }
} else {
  for (const line of fs.readFileSync(0, "utf8").trim().split("\n"))
    console.log(String(sparkplug.decodePayload(Buffer.from(line, "hex")).metrics[0].value));
}
JS
cat > python.py <<'PYTHON'
import json
import sys
from pathlib import Path

from pysparkplug import DataType, Metric, NBirth

AT = 1709632800000
if sys.argv[1] == "write":
    for name, value in json.loads(Path("cases.json").read_text()):
        metric = Metric(timestamp=AT, name="metric", datatype=DataType[name.upper()], value=value)
        print(NBirth(timestamp=AT, seq=0, metrics=(metric,)).encode().hex())
else:
    for line in sys.stdin:
        try:
            print(NBirth.decode(bytes.fromhex(line)).metrics[0].value)
        except OverflowError as error:
            print(type(error).__name__)
PYTHON
{
  "$folder/venv/bin/python" python.py write > from-python
  node node.js write > from-node
  node node.js read < from-python > python-in-node
  "$folder/venv/bin/python" python.py read < from-node > node-in-python
  "$folder/venv/bin/python" python.py read < from-python > python-in-python
  "$folder/venv/bin/python" -c 'import json; [print(f"{t:7} {v}") for t, v in json.load(open("cases.json"))]' > written
} 2> log || { tail -20 log >&2; exit 1; }
paste -d '|' written python-in-node node-in-python python-in-python |
  awk -F '|' '{ printf "%-21s %-23s %-23s %s\n", $1, $2, $3, $4 }' > seen
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
