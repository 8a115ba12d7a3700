#!/usr/bin/env bash
# DuckDB 2.0.1, polars 2.1.0, pyarrow 26.0.1
#
# The statistics of a Parquet file leave NaN out, as the format asks: a file with 1, 2 and NaN says that its values lie
# between 1 and 2. DuckDB and pyarrow's datasets answer questions from that, also the question whether there is a NaN, so
# a check that counts `isnan(value)` before a table is published finds none in a file that has some. Where all other values
# are the same, as of a sensor that stands still, DuckDB's `isnan(v)` and `NOT isnan(v)` do not even add up to the rows. A
# test that lets DuckDB write the file sees nothing of it: DuckDB writes no bounds beside a NaN, and reads its own file
# rightly. Polars is right, DuckDB is with `read_parquet(…, can_have_nan = true)` (duckdb/duckdb issue 25521: open when
# this was written), and pyarrow is once the table is in memory.
#
# Seen (rows by DuckDB, DuckDB with can_have_nan, Polars, a dataset of pyarrow, a table of pyarrow):
#   pyarrow's file of 1, 2, NaN   is NaN       0 1 1 1 1
#   pyarrow's file of 1, 2, NaN   is no NaN    3 2 2 2 2
#   pyarrow's file of 1, 2, NaN   not v < 5    0 1 1 0 1
#   pyarrow's file of 1, 1, NaN   is NaN       0 1 1 0 1
#   pyarrow's file of 1, 1, NaN   is no NaN    2 2 2 2 2
#   pyarrow's file of 1, 1, NaN   not v < 5    0 1 1 0 1
#   DuckDB's file of 1, 2, NaN    is NaN       1 1 1 1 1
#   DuckDB's file of 1, 2, NaN    is no NaN    2 2 2 2 2
#   DuckDB's file of 1, 2, NaN    not v < 5    1 1 1 1 1
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

NAN = float("nan")
IN_POLARS, IN_PYARROW = pl.col("v"), pc.field("v")
QUESTIONS = {
    "is NaN": ("isnan(v)", IN_POLARS.is_nan(), pc.is_nan(IN_PYARROW)),
    "is no NaN": ("NOT isnan(v)", ~IN_POLARS.is_nan(), ~pc.is_nan(IN_PYARROW)),
    "not v < 5": ("NOT v < 5", ~(IN_POLARS < 5), ~(IN_PYARROW < 5)),
}


def by_duckdb(source: str, condition: str) -> int:
    return duckdb.sql(f"SELECT count(*) FROM {source} WHERE {condition}").fetchall()[0][0]


def ask(file: str, content: str) -> None:
    for question, (sql, polars, arrow) in QUESTIONS.items():
        rows = (
            by_duckdb(f"read_parquet('{file}')", sql),
            by_duckdb(f"read_parquet('{file}', can_have_nan = true)", sql),
            pl.scan_parquet(file).filter(polars).collect().height,
            ds.dataset(file).to_table(filter=arrow).num_rows,
            pq.read_table(file).filter(arrow).num_rows,
        )
        print(f"{content:29} {question:12}", *rows)


for number in (2, 1):
    pq.write_table(pa.table({"v": [1.0, float(number), NAN]}), f"{number}.parquet")
    ask(f"{number}.parquet", f"pyarrow's file of 1, {number}, NaN")
duckdb.sql("COPY (FROM '2.parquet') TO 'duckdb.parquet'")
ask("duckdb.parquet", "DuckDB's file of 1, 2, NaN")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
