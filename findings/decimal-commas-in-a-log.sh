#!/usr/bin/env bash
# frictionless 5.21.0, csvkit 2.2.0 (agate 1.14.2), DuckDB 2.0.1, polars 2.1.0, pandas 3.1.1
#
# A logger in a country with decimal commas writes 21,7 between semicolons. DuckDB, Polars and pandas leave it as text,
# which one notices. csvkit takes the comma for one between thousands and the value for 217, and 21,70 for 2170: so
# csvjson, csvsql, csvstat and csvlook give numbers that are ten or a hundred times too large, and 3,25 is more than
# 5,0. frictionless makes a point on the Earth of it, 21 degrees east and 7 north: `describe` says geopoint, `validate`
# says valid, and `extract` gives pairs, if of nine values in ten what is before the comma is at most 180 and what is
# behind it 90; the tenth is a fault then, and with more of them the column is text. So the same logger's column is
# text in one file and points in the next. Say what it is: `--locale de_DE` for csvkit, and for frictionless a schema
# with a field of the type number and `decimalChar` ",".
#
# Seen (the values of a file; as frictionless reads them, whether they are valid; as csvjson; as text in the other three):
#   21,7 22,1       geopoint [21.0,7.0] [22.0,1.0], valid        217 221        DuckDB Polars pandas
#   21,70 22,10     geopoint [21.0,70.0] [22.0,10.0], valid      2170 2210      DuckDB Polars pandas
#   5,0 3,25        geopoint [5.0,0.0] [3.0,25.0], valid         50 325         DuckDB Polars pandas
#   21,95 22,10     string 21,95 22,10, valid                    2195 2210      DuckDB Polars pandas
#   1013,2 998,7    string 1013,2 998,7, valid                   10132 9987     DuckDB Polars pandas
#   the same, told  number 1013.2 998.7, valid                   1013.2 998.7
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet frictionless==5.21.0 csvkit==2.2.0 agate==1.14.2 duckdb==2.0.1 polars==2.1.0 \
  pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
from frictionless import Resource, Schema, fields

CSVJSON = Path(sys.executable).with_name("csvjson")


def by_csvjson(*settings: str) -> str:
    run = subprocess.run([CSVJSON, *settings, "log.csv"], check=True, capture_output=True, text=True)
    return " ".join(f"{row['v']:g}" for row in json.loads(run.stdout))


def by_frictionless(**settings: object) -> str:
    resource = Resource("log.csv", **settings)
    resource.infer()
    valid = "valid" if Resource("log.csv", **settings).validate().valid else "not valid"
    values = " ".join(str(row["v"]).replace(" ", "") for row in resource.read_rows())
    return f"{resource.schema.get_field('v').type} {values}, {valid}"


def show(*values: str) -> None:
    print("{:15} {:44} {:14} {}".format(*values).rstrip())


for values in (("21,7", "22,1"), ("21,70", "22,10"), ("5,0", "3,25"), ("21,95", "22,10"), ("1013,2", "998,7")):
    Path("log.csv").write_text("t;v\n" + "".join(f"2024-03-05T10:0{row};{value}\n" for row, value in enumerate(values)))
    others = {
        "DuckDB": [value for (value,) in duckdb.sql("SELECT v FROM 'log.csv'").fetchall()],
        "Polars": pl.read_csv("log.csv", separator=";")["v"].to_list(),
        "pandas": pd.read_csv("log.csv", sep=";")["v"].to_list(),
    }
    as_text = " ".join(name for name, read in others.items() if read == list(values))
    show(" ".join(values), by_frictionless(), by_csvjson(), as_text)
schema = Schema(fields=[fields.StringField(name="t"), fields.NumberField(name="v", decimal_char=",")])
show("the same, told", by_frictionless(schema=schema), by_csvjson("--locale", "de_DE"), "")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
