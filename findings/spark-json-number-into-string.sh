#!/usr/bin/env bash
# pyspark 4.1.3 (Java 17 or 21)
#
# A field that is a number in the JSON and STRING in the schema (`from_json`, `spark.read.json`, `get_json_object`) does
# not come out as it stands in the file. Integers do, of any length; whatever has a point or an exponent is read as a
# double first and written as Java writes doubles: 1.10 becomes 1.1, and from ten million on, or below a thousandth, it
# is in scientific notation. So a firmware version loses its zero, an amount of 12345678.90 no longer equals its text
# elsewhere, and digits beyond the seventeenth are gone. A variant (`parse_json`) keeps all digits of a decimal as a
# decimal, though not its trailing zeros either, and turns 301.0 into 301: two ways to read one line give two texts.
#
# Seen (as written, by from_json, by parse_json):
#   1.10                           1.1                            1.1
#   301.0                          301.0                          301
#   12345678.90                    1.23456789E7                   12345678.9
#   0.00012                        1.2E-4                         0.00012
#   0.1234567890123456789          0.12345678901234568            0.1234567890123456789
#   12345678901234567890           12345678901234567890           12345678901234567890
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspark==4.1.3
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
for written in ("1.10", "301.0", "12345678.90", "0.00012", "0.1234567890123456789", "12345678901234567890"):
    line = f"'{{\"a\": {written}}}'"
    query = f"""SELECT from_json({line}, 'a STRING').a AS by_schema,
                       variant_get(parse_json({line}), '$.a', 'string') AS by_variant"""
    row = spark.sql(query).first()
    print(f"{written:30} {row.by_schema:30} {row.by_variant}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
