#!/usr/bin/env bash
# pyspark 4.1.3 (Java 17 or 21), DuckDB 2.0.0, pandas 3.1.1, Python 3.11's zoneinfo
#
# A logger writes local time without a zone. In the hour that clocks show twice in autumn, tools that are used side by
# side on such files mean different instants: Spark's to_utc_timestamp and Python the first time that they show it,
# DuckDB (AT TIME ZONE) the second. So the same file, loaded by Spark and looked at with DuckDB, differs by an hour for
# one hour a year, without a word from either. In the hour that clocks leave out in spring they agree, on a time that
# nobody's clock has shown. Only pandas refuses both, until it is told what is meant.
#
# Seen (in UTC, of Europe/Berlin):
#   2024-10-27 02:30  Spark      00:30
#   2024-10-27 02:30  DuckDB     01:30
#   2024-10-27 02:30  zoneinfo   00:30
#   2024-10-27 02:30  pandas     ValueError
#   2024-03-31 02:30  Spark      01:30
#   2024-03-31 02:30  DuckDB     01:30
#   2024-03-31 02:30  zoneinfo   01:30
#   2024-03-31 02:30  pandas     ValueError
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspark==4.1.3 duckdb==2.0.0 pandas==3.1.1 tzdata==2026.6
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb
import pandas
from pyspark.sql import SparkSession

ZONE = "Europe/Berlin"
builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
spark = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
database = duckdb.connect()
database.execute("LOAD icu; SET TimeZone = 'UTC'")


def of_pandas(text):
    try:
        return f"{pandas.Timestamp(text).tz_localize(ZONE).tz_convert('UTC'):%H:%M}"
    except Exception as error:
        return type(error).__name__


for text in ("2024-10-27 02:30", "2024-03-31 02:30"):
    found = {
        "Spark": spark.sql(f"SELECT date_format(to_utc_timestamp('{text}', '{ZONE}'), 'HH:mm')").first()[0],
        "DuckDB": database.sql(
            f"SELECT strftime((TIMESTAMP '{text}' AT TIME ZONE '{ZONE}') AT TIME ZONE 'UTC', '%H:%M')"
        ).fetchall()[0][0],
        "zoneinfo": f"{datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC):%H:%M}",
        "pandas": of_pandas(text),
    }
    for tool, instant in found.items():
        print(f"{text}  {tool:10} {instant}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
