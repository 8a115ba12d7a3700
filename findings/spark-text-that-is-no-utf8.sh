#!/usr/bin/env bash
# pyspark 4.1.3 (Java 17 or 21)
#
# A gateway writes Latin-1, and Spark's text source reads the file as it is: the bytes of a line are kept, and written
# to text again they are the same. So does whatever works on bytes: concat, replace, substring. A function that goes
# through Java's strings does not, and none says so: regexp_replace turns every byte that is no UTF-8 into U+FFFD even
# where its pattern is not found, and so do translate and from_json. A pattern that takes a byte order mark from the
# first line, as is usual, changes all other lines of a damaged file: whether a line was UTF-8 has to be asked
# (is_valid_utf8) before the first pattern, and cannot be asked after it.
#
# Seen (hexadecimal of B, 0xFC, r; whether it is valid):
#   as read                        42FC72                         false
#   concat                         42FC72                         false
#   replace, nothing found         42FC72                         false
#   substring                      42FC72                         false
#   regexp_replace, nothing found  42EFBFBD72                     true
#   translate, nothing found       42EFBFBD72                     true
#   from_json                      42EFBFBD72                     true
#   written to text again          42FC720A                       -
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspark==4.1.3
cd "$folder"
mkdir given && printf 'B\374r\n' > given/latin1.txt
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from pathlib import Path

from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
lines = spark.read.text("given")
for what, expression in {
    "as read": "value",
    "concat": "concat(value, '')",
    "replace, nothing found": "replace(value, 'x', 'y')",
    "substring": "substring(value, 1)",
    "regexp_replace, nothing found": "regexp_replace(value, 'x', 'y')",
    "translate, nothing found": "translate(value, 'x', 'y')",
    "from_json": """from_json(concat('{"a": "', value, '"}'), 'a STRING').a""",
}.items():
    row = lines.selectExpr(f"hex({expression}) AS hex", f"is_valid_utf8({expression}) AS valid").first()
    print(f"{what:30} {row.hex:30} {str(row.valid).lower()}")
lines.write.text("again")
(part,) = Path("again").glob("part-*")
print(f"{'written to text again':30} {part.read_bytes().hex().upper():30} -")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
