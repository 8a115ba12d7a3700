#!/usr/bin/env bash
# pyspark 4.1.3 (Java 17 or 21)
#
# A sum of columns (`sum(columns)`, `reduce(or_, conditions)`) is nested once for each of them. A classic session takes a
# thousand. Over Spark Connect the client itself cannot put the expression into its message beyond a hundred levels of
# protobuf, two for each operator: 50 columns are too many, and fewer within another expression. The error is one of
# the protobuf library, "Exceeded upb_DecodeOptions_MaxDepth", and names no column. Added in pairs, the pairs in pairs
# and so on, any number of columns will do.
#
# Seen:
#   classic  one after the other   20: 20           50: 50           200: 200
#   connect  one after the other   20: 20           50: DecodeError  200: DecodeError
#   connect  in pairs              20: 20           50: 50           200: 200
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pyspark[connect]==4.1.3"
cd "$folder"
cat > tried.py <<'PYTHON'
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

way = sys.argv[1]
builder = SparkSession.builder.config("spark.ui.enabled", "false")
spark = (builder.master("local[1]") if way == "classic" else builder.remote("local[1]")).getOrCreate()


def in_pairs(columns):
    while len(columns) > 1:
        columns = [sum(columns[at + 1 : at + 2], columns[at]) for at in range(0, len(columns), 2)]
    return columns[0]


def added(number, add):
    try:
        return spark.range(1).select(add([F.col("id") + 1] * number)).first()[0]
    except Exception as error:
        return type(error).__name__


ways = {"one after the other": lambda columns: sum(columns[1:], columns[0]), "in pairs": in_pairs}
for name, add in ways.items():
    if way == "connect" or name != "in pairs":
        found = " ".join(f"{f'{number}: {added(number, add)}':16}" for number in (20, 50, 200))
        print(f"{way}  {name:21} {found.strip()}")
PYTHON
for way in classic connect; do
  "$folder/venv/bin/python" tried.py "$way" >> seen 2> log || { tail -20 log >&2; exit 1; }
done
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
