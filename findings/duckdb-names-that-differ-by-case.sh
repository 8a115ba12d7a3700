#!/usr/bin/env bash
# DuckDB 2.0.1, polars 2.1.0, pyarrow 26.0.1
#
# A device sends T for the temperature and t for the time. DuckDB, whose names have no case, calls the second of them t_1,
# and then `SELECT t` is not refused: it is the first, whichever that is in the file, quoted or not, from JSON, CSV and
# Parquet. So a query for the time gives temperatures, and right ones again for a device that sends its fields in the other
# order. In `read_json(…, columns = {…})` and in `->>` names do have a case. Where one firmware writes Temp and another
# temp, this reads one half of the lines and a SELECT the other, each with NULL for the rest; of two Parquet files it reads
# both. Polars and pyarrow tell the names apart everywhere. Take such fields with `->>`, or name them in `columns`.
#
# Seen:
#   {"T": 21.5, "t": 1700000000}
#     SELECT t, JSON                     21.5
#     SELECT "t", JSON                   21.5
#     SELECT t, CSV                      21.5
#     SELECT t, Parquet                  21.5
#     SELECT t_1, JSON                   1700000000
#     columns = {t: 'BIGINT'}, JSON      1700000000
#     ->> 't', JSON                      1700000000
#     Polars' t, JSON                    1700000000
#     pyarrow's t, Parquet               1700000000
#   {"t": 1700000000, "T": 21.5}
#     SELECT t, JSON                     1700000000
#   {"Temp": 20} and {"temp": 21}
#     SELECT temp, JSON                  20 None
#     columns = {temp: 'BIGINT'}, JSON   None 21
#     SELECT temp, two Parquet files     20 21
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet


def show(what: str, *values: object) -> None:
    print(f"  {what:34}", *values)


def by_duckdb(what: str, query: str) -> None:
    show(what, *(value for (value,) in duckdb.sql(query).fetchall()))


def lines(name: str, *content: str) -> None:
    print(" and ".join(content))
    Path(name).write_text("".join(f"{line}\n" for line in content))


lines("device.json", '{"T": 21.5, "t": 1700000000}')
table = pa.table({"T": [21.5], "t": [1700000000]})
pyarrow.csv.write_csv(table, "device.csv")
pyarrow.parquet.write_table(table, "device.parquet")
by_duckdb("SELECT t, JSON", "SELECT t FROM 'device.json'")
by_duckdb('SELECT "t", JSON', "SELECT \"t\" FROM 'device.json'")
by_duckdb("SELECT t, CSV", "SELECT t FROM 'device.csv'")
by_duckdb("SELECT t, Parquet", "SELECT t FROM 'device.parquet'")
by_duckdb("SELECT t_1, JSON", "SELECT t_1 FROM 'device.json'")
by_duckdb("columns = {t: 'BIGINT'}, JSON", "SELECT t FROM read_json('device.json', columns = {t: 'BIGINT'})")
by_duckdb("->> 't', JSON", "SELECT json ->> 't' FROM read_json_objects('device.json')")
show("Polars' t, JSON", *pl.read_ndjson("device.json")["t"])
show("pyarrow's t, Parquet", *pyarrow.parquet.read_table("device.parquet", columns=["t"])["t"].to_pylist())
lines("other.json", '{"t": 1700000000, "T": 21.5}')
by_duckdb("SELECT t, JSON", "SELECT t FROM 'other.json'")
lines("firmware.json", '{"Temp": 20}', '{"temp": 21}')
by_duckdb("SELECT temp, JSON", "SELECT temp FROM 'firmware.json'")
by_duckdb("columns = {temp: 'BIGINT'}, JSON", "FROM read_json('firmware.json', columns = {temp: 'BIGINT'})")
pyarrow.parquet.write_table(pa.table({"Temp": [20]}), "firmware1.parquet")
pyarrow.parquet.write_table(pa.table({"temp": [21]}), "firmware2.parquet")
by_duckdb("SELECT temp, two Parquet files", "SELECT temp FROM 'firmware*.parquet'")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
