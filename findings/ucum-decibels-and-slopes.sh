#!/usr/bin/env bash
# @lhncbc/ucum-lhc 7.1.10, @atomic-ehr/ucum 0.2.5 (Node.js 20), ucumvert 0.3.2 with pint 0.25.3
#
# Units of sensors are often named by the codes of UCUM, as SensorThings advises, so that a library can convert them.
# Three libraries agree on temperatures, bels and a plain decibel made a number, which is what one would try. But in
# @atomic-ehr/ucum the deci of a decibel with a reference divides the result, not the exponent: 10 dB[W] is 10^10 W / 10
# and a sound of 94 dB is 1e+41 Pa, while 100 W is 3 dB[W] and 100 is 30 dB; all go on as numbers. A road's slope in
# percent, %[slope], is right in that one alone: ucum-lhc gives radians for degrees (the table of UCUM names both) and
# ucumvert a line for the tangent. And ucumvert's inch of mercury, the unit of American barometers, is that at 60 °F:
# almost 3 hPa too low, or 24 m of height; its inch of water likewise, by 0.1 %. So check each code against a number
# known from elsewhere, both ways, before it is used, and compute decibels yourself: `reference * 10 ** (decibels / 10)`,
# or `/ 20` for a voltage or a sound's pressure.
#
# Seen (what is to be converted, into what; what it is; by ucum-lhc, by @atomic-ehr/ucum, by ucumvert):
#   20 Cel, [degF]            68        68         68        68
#   20 dB, 1                  100       100        100       100
#   1 B[W], W                 10        10         10        10
#   10 dB[W], W               10        10         1e+9      10
#   94 dB[SPL], Pa            1.00237   1.00237    1e+41     1.00237
#   40 dB[uV], uV             100       100        1e+19     100
#   100 W, dB[W]              20        20         3         20
#   100 1, dB                 20        20         30        20
#   1 Pa, dB[SPL]             93.9794   93.9794    12        93.9794
#   100 %[slope], deg         45        0.785398   45        89.2329
#   5 %[slope], deg           2.86241   0.0499584  2.86241   4.46164
#   45 deg, %[slope]          100       161.978    100       50.4298
#   29.92 [in_i'Hg], hPa      1013.2    1013.2     1013.2    1010.35
#   10 [in_i'H2O], Pa         2490.89   2490.89    2490.89   2488.4
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @lhncbc/ucum-lhc@7.1.10 @atomic-ehr/ucum@0.2.5 > log 2>&1 ||
  { tail -20 log >&2; exit 1; }
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check ucumvert==0.3.2 pint==0.25.3 lark==1.3.1 > log 2>&1 ||
  { tail -20 log >&2; exit 1; }
# A number, its unit, the unit it is wanted in, and what it is by UCUM's table (of a slope by the tangent).
cat > cases.json <<'JSON'
[
  [20, "Cel", "[degF]", "68"],
  [20, "dB", "1", "100"],
  [1, "B[W]", "W", "10"],
  [10, "dB[W]", "W", "10"],
  [94, "dB[SPL]", "Pa", "1.00237"],
  [40, "dB[uV]", "uV", "100"],
  [100, "W", "dB[W]", "20"],
  [100, "1", "dB", "20"],
  [1, "Pa", "dB[SPL]", "93.9794"],
  [100, "%[slope]", "deg", "45"],
  [5, "%[slope]", "deg", "2.86241"],
  [45, "deg", "%[slope]", "100"],
  [29.92, "[in_i'Hg]", "hPa", "1013.2"],
  [10, "[in_i'H2O]", "Pa", "2490.89"]
]
JSON
cat > javascript.mjs <<'JS'
import { readFileSync, writeFileSync } from "node:fs";
import lhc from "@lhncbc/ucum-lhc";
import { ucum } from "@atomic-ehr/ucum";

const units = lhc.UcumLhcUtils.getInstance();
const short = (number) => {
  const rounded = Number(number.toPrecision(6));
  return rounded < 1e6 ? String(rounded) : rounded.toExponential();
};
const rows = JSON.parse(readFileSync("cases.json", "utf8")).map(([number, unit, wanted]) => {
  const one = units.convertUnitTo(unit, number, wanted);
  let other;
  try {
    other = short(ucum.convert(number, unit, wanted));
  } catch (error) {
    other = "refused";
  }
  return [one.status === "succeeded" ? short(one.toVal) : "refused", other];
});
writeFileSync("javascript.json", JSON.stringify(rows));
JS
cat > python.py <<'PY'
import json

from ucumvert import PintUcumRegistry

units = PintUcumRegistry()


def convert(number, unit, wanted):
    try:
        value = units.Quantity(number, units.from_ucum(unit).u).to(units.from_ucum(wanted).u)
    except Exception:
        return "refused"
    return f"{value.magnitude:.6g}"


with open("cases.json") as cases, open("javascript.json") as rows:
    for (number, unit, wanted, right), (one, other) in zip(json.load(cases), json.load(rows)):
        what = f"{number} {unit}, {wanted}"
        print(f"{what:<26}{right:<10}{one:<11}{other:<10}{convert(number, unit, wanted)}")
PY
node javascript.mjs 2> log || { tail -20 log >&2; exit 1; }
venv/bin/python python.py > seen 2> log || { tail -20 log >&2; exit 1; }
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
