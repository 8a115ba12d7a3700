#!/usr/bin/env bash
# knx 2.5.4, knxultimate 5.4.0 (Node.js 20), xknx 4.0.0
#
# Two gateways read the same KNX telegram, one in Node.js and one in Python, and have other values. Both packages for
# Node.js give 8.010, which counts in hundredths of a percent (KNX standard 03_07_02, Datapoint Types, 3.9), as it is
# on the bus: an imbalance of 30.04 is 3004, with the unit %, and 30.04 is written as 0.30. (xknx had that, too:
# XKNX/xknx issue 1501.) A sensor of any type 9.xxx says by 7FFF that it has no value (3.10): that is 670760.96 degrees
# or lux, a number like any other, where xknx raises an error. Of a time (19.001) whose clock is marked as faulty they
# give the time alone. And some units are others: kilovoltamperehours (13.014) are VAh, a thousandth, and a difference
# of temperatures (9.002) is in °C, so whoever converts it to °F adds 32. Temperatures, percent from 0 to 100, power
# and energy are the same in all three, so a test with these shows nothing.
#
# Seen (type, telegram; as read by knx, knxultimate, xknx; and what is written for 30.04):
#   8.010   0BBC              3004 %             3004 %             30.04 %
#   9.001   7FFF              670760.96 °C       670760.96 °C       ConversionError
#   9.004   7FFF              670760.96 lux      670760.96 lux      ConversionError
#   19.001  7C03054A00000000  2024-03-05T10:00   2024-03-05T10:00   2024-03-05T10:00
#   19.001  7C03054A00008000  2024-03-05T10:00   2024-03-05T10:00   2024-03-05T10:00 fault
#   13.014  0000000A          10 VAh             10 VAh             10 kVAh
#   9.002   0064              1 °C               1 °C               1.0 K
#   9.001   0C1A              21 °C              21 °C              21.0 °C
#   5.001   80                50 %               50 %               50 %
#   14.056  42280000          42 W               42 W               42.0 W
#   8.010   for 30.04         001E               001E               0BBC
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet xknx==4.0.0
cd "$folder"
npm install --silent --no-audit --no-fund knx@2.5.4 knxultimate@5.4.0 > log 2>&1 || { tail -20 log >&2; exit 1; }
cat > cases.json <<'JSON'
[["8.010", "0BBC"], ["9.001", "7FFF"], ["9.004", "7FFF"], ["19.001", "7C03054A00000000"],
 ["19.001", "7C03054A00008000"], ["13.014", "0000000A"], ["9.002", "0064"], ["9.001", "0C1A"], ["5.001", "80"],
 ["14.056", "42280000"]]
JSON
cat > node.js <<'JS'
const fs = require("fs");
const prefix = process.argv[2] === "knx" ? "DPT" : "";
const types = prefix ? require("knx/src/dptlib") : require("knxultimate").dptlib;
const found = JSON.parse(fs.readFileSync("cases.json")).map(([type, telegram]) => {
  const read = types.resolve(prefix + type);
  const value = types.fromBuffer(Buffer.from(telegram, "hex"), read);
  return value instanceof Date ? value.toISOString().slice(0, 16) : `${value} ${read.subtype.unit}`;
});
const written = {};
types.populateAPDU(30.04, written, prefix + "8.010");
found.push(written.data.toString("hex").toUpperCase());
fs.writeFileSync(`by-${process.argv[2]}`, found.join("\n") + "\n");
process.exit();
JS
cat > python.py <<'PYTHON'
import json
from pathlib import Path

from xknx.dpt import DPTArray, DPTBase
from xknx.exceptions import ConversionError

for name, telegram in json.loads(Path("cases.json").read_text()):
    kind = DPTBase.parse_transcoder(name)
    try:
        value = kind.from_knx(DPTArray(tuple(bytes.fromhex(telegram))))
    except ConversionError as error:
        print(type(error).__name__)
        continue
    if name == "19.001":
        time = f"{value.year}-{value.month:02}-{value.day:02}T{value.hour:02}:{value.minutes:02}"
        print(f"{time} fault" if value.fault else time)
    else:
        print(value, kind.unit)
print(bytes(DPTBase.parse_transcoder("8.010").to_knx(30.04).value).hex().upper())
PYTHON
{
  TZ=UTC node node.js knx
  TZ=UTC node node.js knxultimate
} > log 2>&1 || { tail -20 log >&2; exit 1; }
"$folder/venv/bin/python" python.py > by-xknx 2> log || { tail -20 log >&2; exit 1; }
{
  "$folder/venv/bin/python" -c 'import json; [print(f"{t:7} {x}") for t, x in json.load(open("cases.json"))]'
  echo "8.010   for 30.04"
} > cases
paste -d '|' cases by-knx by-knxultimate by-xknx |
  "$folder/venv/bin/python" -c 'for line in open(0):
    case, *found = line.rstrip("\n").split("|")
    print(f"{case:25} {found[0]:18} {found[1]:18} {found[2]}")' > seen
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
