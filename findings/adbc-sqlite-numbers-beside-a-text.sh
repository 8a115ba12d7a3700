#!/usr/bin/env bash
# adbc-driver-sqlite 1.13.0, pyarrow 26.0.1, polars 2.1.0
#
# A gateway keeps its readings in SQLite, where one column holds numbers and now and then "n/a". ADBC's driver, by which
# Arrow, and Polars with engine="adbc", read such a file, makes a column of text of it, and in the text a number has
# seven digits: a counter of 1234567.89 is 1.234568e+06, and a longitude beyond a hundred degrees is up to five metres
# away. SQLite itself, asked for text, gives all digits. Nothing is said, and cast back to numbers the column looks well.
# It takes one text among the first 1024 rows; the first text behind them is an error. A decimal is cut short wherever
# that text stands, an integer only if it comes before it, and what lies behind the first 1024 rows keeps all digits:
# the same rows in another order are other values. Ask for `CAST(v AS TEXT)`, or for
# `CASE WHEN typeof(v) <> 'text' THEN v END`.
#
# Seen (values of a column; its type in Arrow, and what is read):
#   numbers alone                   double 1234567.89 52.520008 1.152921504606847e+18
#   a text behind them              string 1.234568e+06 5.252001e+01 1.152922e+18 n/a
#   a text before them              string n/a 1.234568e+06 5.252001e+01 1152921504606846977
#   the same, Polars                String n/a 1.234568e+06 5.252001e+01 1152921504606846977
#   behind 1024 texts               string n/a 1234567.89 52.520008 1152921504606846977
#   CAST(v AS TEXT), a text behind  string 1234567.89 52.520008 1152921504606846977 n/a
#   CASE, a text behind             double 1234567.89 52.520008 None
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet adbc-driver-sqlite==1.13.0 pyarrow==26.0.1 polars==2.1.0
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import sqlite3

import polars
from adbc_driver_sqlite import dbapi

NUMBERS = [1234567.89, 52.520008, 2**60 + 1]
TEXT = "n/a"


def stored(values: list[object]) -> None:
    with sqlite3.connect("gateway.db") as database:
        database.execute("DROP TABLE IF EXISTS readings")
        database.execute("CREATE TABLE readings (v)")
        database.executemany("INSERT INTO readings VALUES (?)", [(each,) for each in values])


def by_adbc(column: str) -> tuple[str, list[object]]:
    with dbapi.connect("file:gateway.db") as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM readings ORDER BY rowid")
        read = cursor.fetch_arrow_table().column(0)
        return str(read.type), read.to_pylist()


def by_polars(column: str) -> tuple[str, list[object]]:
    query = f"SELECT {column} FROM readings ORDER BY rowid"
    read = polars.read_database_uri(query, "sqlite:gateway.db", engine="adbc").to_series()
    return str(read.dtype), read.to_list()


for what, values, read, column in (
    ("numbers alone", NUMBERS, by_adbc, "v"),
    ("a text behind them", [*NUMBERS, TEXT], by_adbc, "v"),
    ("a text before them", [TEXT, *NUMBERS], by_adbc, "v"),
    ("the same, Polars", [TEXT, *NUMBERS], by_polars, "v"),
    ("behind 1024 texts", [TEXT] * 1024 + NUMBERS, by_adbc, "v"),
    ("CAST(v AS TEXT), a text behind", [*NUMBERS, TEXT], by_adbc, "CAST(v AS TEXT)"),
    ("CASE, a text behind", [*NUMBERS[:2], TEXT], by_adbc, "CASE WHEN typeof(v) <> 'text' THEN v END"),
):
    stored(values)
    kind, found = read(column)
    print(f"{what:31} {kind} {' '.join(str(each) for each in found[-4:])}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
