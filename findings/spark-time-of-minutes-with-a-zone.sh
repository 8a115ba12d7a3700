#!/usr/bin/env bash
# pyspark 4.1.3 (Java 17 or 21)
#
# ISO 8601 lets seconds be left out. Spark reads a time of hours and minutes, and a zone behind seconds, but no zone behind
# minutes: `try_cast` gives null, a cast with ANSI is an error, and a field of `from_json` or of a CSV file is null.
# java.time leaves out seconds that are zero (`OffsetDateTime.toString()`, `ZonedDateTime`), so of a Java program's feed
# it is the rows of whole minutes that get lost, and no others. Letters are taken in capitals alone, which RFC 3339 does
# not ask for.
#
# Seen (as written, by a cast, by from_json):
#   2024-03-05T10:00:01Z           2024-03-05 10:00:01            2024-03-05 10:00:01
#   2024-03-05T10:00               2024-03-05 10:00:00            2024-03-05 10:00:00
#   2024-03-05T10:00Z              None                           None
#   2024-03-05T10:00+01:00         None                           None
#   2024-03-05T10:00:01z           None                           None
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspark==4.1.3
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC")
    .getOrCreate()
)
for written in (
    "2024-03-05T10:00:01Z",
    "2024-03-05T10:00",
    "2024-03-05T10:00Z",
    "2024-03-05T10:00+01:00",
    "2024-03-05T10:00:01z",
):
    query = f"""SELECT string(try_cast('{written}' AS TIMESTAMP)) AS by_cast,
                       string(from_json('{{"at": "{written}"}}', 'at TIMESTAMP').at) AS by_json"""
    row = spark.sql(query).first()
    print(f"{written:30} {row.by_cast!s:30} {row.by_json}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
