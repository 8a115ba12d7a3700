#!/usr/bin/env bash
# DuckDB 2.0.1, polars 2.1.0, pyarrow 26.0.1
#
# A sensor sends integers on the first day and decimals on the second, and whoever writes the days to Parquet has
# INT64 in one file and DOUBLE in the other. DuckDB reads the folder with the types of its first file and rounds all others
# into them, without a word: 21.7 is 22, and a condition such as v > 22 is asked of what was rounded. The days named the
# other way round keep every digit, and so do the same two days as CSV or JSON, where DuckDB looks for a type that fits
# both. That the first file gives the schema is documented; but pyarrow, which does the same, refuses a cast that would lose
# something, and Polars refuses the two types. DuckDB refuses what is no integer, such as NaN, so all is well until
# the day that has one. `union_by_name = true` finds the common type.
#
# Seen (days of 20, 21 and of 21.7, 22.5, -0.9):
#   DuckDB, Parquet                      20 21 22 22 -1
#   DuckDB, Parquet, v > 22              none
#   DuckDB, Parquet, union_by_name       20.0 21.0 21.7 22.5 -0.9
#   DuckDB, Parquet, second day first    21.7 22.5 -0.9 20.0 21.0
#   DuckDB, CSV                          20.0 21.0 21.7 22.5 -0.9
#   DuckDB, JSON                         20.0 21.0 21.7 22.5 -0.9
#   Polars, Parquet                      SchemaError
#   pyarrow, Parquet                     ArrowInvalid
#   DuckDB, decimals of 1 and 2 places   1.5 1.3
#   DuckDB, dates and times              2025-05-01 2025-05-01
#   DuckDB, integers and NaN             ConversionException
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet


def write(name: str, *days: list[object]) -> None:
    Path(name).mkdir()
    for number, values in enumerate(days):
        table = pa.table({"v": values})
        pyarrow.parquet.write_table(table, f"{name}/{number}.parquet")
        pyarrow.csv.write_csv(table, f"{name}/{number}.csv")
        Path(f"{name}/{number}.json").write_text("".join(f'{{"v": {value}}}\n' for value in values))


def show(what: str, read) -> None:
    try:
        found = " ".join(str(value) for value in read()) or "none"
    except Exception as error:
        found = type(error).__name__
    print(f"{what:36} {found}")


def by_duckdb(source: str, condition: str = "true") -> list[object]:
    return [value for (value,) in duckdb.sql(f"SELECT v FROM {source} WHERE {condition}").fetchall()]


write("days", [20, 21], [21.7, 22.5, -0.9])
write("decimals", [Decimal("1.5")], [Decimal("1.25")])
write("with-nan", [20], [float("nan")])
write("dates", [date(2025, 5, 1)], [datetime(2025, 5, 1, 23, 59)])
show("DuckDB, Parquet", lambda: by_duckdb("'days/*.parquet'"))
show("DuckDB, Parquet, v > 22", lambda: by_duckdb("'days/*.parquet'", "v > 22"))
united = "read_parquet('days/*.parquet', union_by_name = true)"
show("DuckDB, Parquet, union_by_name", lambda: by_duckdb(united))
turned = "read_parquet(['days/1.parquet', 'days/0.parquet'])"
show("DuckDB, Parquet, second day first", lambda: by_duckdb(turned))
show("DuckDB, CSV", lambda: by_duckdb("'days/*.csv'"))
show("DuckDB, JSON", lambda: by_duckdb("'days/*.json'"))
show("Polars, Parquet", lambda: pl.read_parquet("days/*.parquet")["v"])
files = ["days/0.parquet", "days/1.parquet"]
show("pyarrow, Parquet", lambda: pyarrow.dataset.dataset(files).to_table()["v"].to_pylist())
show("DuckDB, decimals of 1 and 2 places", lambda: by_duckdb("'decimals/*.parquet'"))
show("DuckDB, dates and times", lambda: by_duckdb("'dates/*.parquet'"))
show("DuckDB, integers and NaN", lambda: by_duckdb("'with-nan/*.parquet'"))
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
