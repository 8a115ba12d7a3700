#!/usr/bin/env bash
# DuckDB 2.0.1, polars 2.1.0, pyarrow 26.0.1
#
# A CSV file has addresses of a building's bus (KNX, 1/2/14) or versions of firmware (2.4.10). To DuckDB's sniffer three
# numbers with a slash, point, dash or space between them are a date, day first, or year first where that fits too: the
# column is DATE or TIMESTAMP, of the year 2014, 2010 or 1, quoted in the file or not. It is the first lines that
# decide: the same versions in another order, or with one that is no day, are text, so a file that was tried may be read
# rightly and tomorrow's is not. 1.02.13 and 1.2.13 become one. Whoever looks by `SELECT v::VARCHAR` sees the address,
# since the reader then makes the text itself; the same cast in a condition or join gives a date and finds no row, and
# COPY writes dates. Polars does so with `try_parse_dates=True` alone, and to other dates, pyarrow not at all. `types =
# {v: 'VARCHAR'}` keeps the text; `dateformat` is not enough, as there are timestamps as well.
#
# Seen (DuckDB, Polars with try_parse_dates, pyarrow):
#   1/2/14 1/2/15      2014-02-01 2015-02-01                    0014-02-01 0015-02-01    1/2/14 1/2/15
#   1/2/3 1/2/4        0001-02-03 00:00:00 0001-02-04 00:00:00  0003-02-01 0004-02-01    1/2/3 1/2/4
#   2.4.10 2.4.9       2010-04-02 2009-04-02                    0010-04-02 0009-04-02    2.4.10 2.4.9
#   2.4.9 2.4.10       2.4.9 2.4.10                             0009-04-02 0010-04-02    2.4.9 2.4.10
#   2.4.10 2.13.1      2.4.10 2.13.1                            2.4.10 2.13.1            2.4.10 2.13.1
#   10.2.4 10.2.5      2010-02-04 2010-02-05                    0004-02-10 0005-02-10    10.2.4 10.2.5
#   1.02.13 1.2.13     2013-02-01 2013-02-01                    0013-02-01 0013-02-01    1.02.13 1.2.13
# Seen (DuckDB, of a file with the address 1/2/14):
#   SELECT v                            2014-02-01
#   SELECT v::VARCHAR                   1/2/14
#   count, v::VARCHAR = '1/2/14'        0
#   the same, dateformat                0
#   the same, types                     1
#   COPY                                2014-02-01
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
import pyarrow.csv


def texts(values: list[object]) -> str:
    return " ".join(str(value) for value in values)


def show(*values: str) -> None:
    lines = ["value,v", *(f'21.7,"{value}"' for value in values)]
    Path("sent.csv").write_text("".join(f"{line}\n" for line in lines))
    by_duckdb = texts([value for (value,) in duckdb.sql("SELECT v FROM 'sent.csv'").fetchall()])
    by_polars = texts(pl.read_csv("sent.csv", try_parse_dates=True)["v"].cast(pl.String).to_list())
    by_pyarrow = texts(pyarrow.csv.read_csv("sent.csv")["v"].to_pylist())
    print(f"{texts(values):18} {by_duckdb:40} {by_polars:24} {by_pyarrow}")


show("1/2/14", "1/2/15")
show("1/2/3", "1/2/4")
show("2.4.10", "2.4.9")
show("2.4.9", "2.4.10")
show("2.4.10", "2.13.1")
show("10.2.4", "10.2.5")
show("1.02.13", "1.2.13")


def ask(what: str, query: str) -> None:
    ((value,),) = duckdb.sql(query).fetchall()
    print(f"{what:35} {value}")


def count(options: str) -> str:
    return f"SELECT count(*) FROM read_csv('address.csv'{options}) WHERE v::VARCHAR = '1/2/14'"


Path("address.csv").write_text("v\n1/2/14\n")
ask("SELECT v", "SELECT v FROM 'address.csv'")
ask("SELECT v::VARCHAR", "SELECT v::VARCHAR FROM 'address.csv'")
ask("count, v::VARCHAR = '1/2/14'", count(""))
ask("the same, dateformat", count(", dateformat = '%Y-%m-%d'"))
ask("the same, types", count(", types = {v: 'VARCHAR'}"))
duckdb.execute("COPY (FROM 'address.csv') TO 'copied.csv'")
print(f"{'COPY':35} {Path('copied.csv').read_text().split()[1]}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
