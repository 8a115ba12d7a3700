#!/usr/bin/env bash
# DuckDB 2.0.1
#
# A counter sends integers for months and then its first decimal. DuckDB looks at the first 20,480 lines of a CSV
# or JSON file, and at the first 32 of a folder's JSON files, to find the types. A text that comes later is refused,
# with its line; a decimal is rounded into the column of integers instead, without a word: 21.7 is 22, and
# `store_rejects` has no row; halves go up from CSV and to even from JSON. A line or a file earlier the same value makes
# the whole column DOUBLE, so a small test proves nothing. In the same way a serial number 007 loses its zeros, 1_5
# becomes 15 and a time its hours, in a column that had numbers, or days, until then. A field that the first 32 files do
# not have is left out, though from one long file it is refused. Naming the type in `types` checks nothing: the cast is
# the same. `sample_size = -1` looks at all of a CSV, but at no more than 32 files of JSON, `union_by_name = true` at
# all of them. (duckdb/duckdb issues 25786 and 25824: open when this was written.)
#
# Seen (what comes after 20,000 or 21,000 lines, or 31 or 32 files, of 20; the values that are read of it):
#   CSV   20000 lines, then 21.7 22.5 -0.9    21.7 22.5 -0.9
#   CSV   21000 lines, then 21.7 22.5 -0.9    22 23 -1
#   CSV   the same, store_rejects             22 23 -1, 0 rejected
#   CSV   the same, types                     22 23 -1
#   CSV   the same, sample_size = -1          21.7 22.5 -0.9
#   CSV   21000 lines, then 007 1_5 1e1       7 15 10
#   CSV   21000 lines, then off               ConversionException
#   CSV   21000 days, then a day and time     2025-05-01
#   JSON  20000 lines, then 21.7 22.5 -0.9    21.7 22.5 -0.9
#   JSON  21000 lines, then 21.7 22.5 -0.9    22 22 -1
#   JSON  21000 lines, then a new field       InvalidInputException
#   JSON  31 files, then 21.7 22.5 -0.9       21.7 22.5 -0.9
#   JSON  32 files, then 21.7 22.5 -0.9       22 22 -1
#   JSON  the same, sample_size = -1          22 22 -1
#   JSON  the same, union_by_name             21.7 22.5 -0.9
#   JSON  32 files, then a new field          v
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from pathlib import Path

import duckdb

DECIMALS = ("21.7", "22.5", "-0.9")


def read(source: str, skip: int) -> str:
    try:
        rows = duckdb.sql(f"SELECT v FROM {source} OFFSET {skip}").fetchall()
    except duckdb.Error as error:
        return type(error).__name__
    return " ".join(str(value) for (value,) in rows)


def show(kind: str, what: str, found: str) -> None:
    print(f"{kind:5} {what:35} {found}")


def csv(lines: int, *late: str, before: str = "20") -> str:
    Path("v.csv").write_text("".join(f"{line}\n" for line in ("v", *[before] * lines, *late)))
    return "'v.csv'"


def json(lines: int, *late: str) -> str:
    Path("v.json").write_text("".join(f"{line}\n" for line in (*['{"v": 20}'] * lines, *late)))
    return "'v.json'"


def json_files(count: int, *late: str) -> str:
    folder = Path(f"{count} files{len(late)}")
    folder.mkdir()
    for number in range(count):
        folder.joinpath(f"{number:02}.json").write_text('{"v": 20}\n')
    folder.joinpath("late.json").write_text("".join(f"{line}\n" for line in late))
    return f"'{folder}/*.json'"


in_json = [f'{{"v": {value}}}' for value in DECIMALS]
for lines in (20000, 21000):
    show("CSV", f"{lines} lines, then {' '.join(DECIMALS)}", read(csv(lines, *DECIMALS), lines))
found = read("read_csv('v.csv', store_rejects = true)", 21000)
((rejected,),) = duckdb.sql("SELECT count(*) FROM reject_errors").fetchall()
show("CSV", "the same, store_rejects", f"{found}, {rejected} rejected")
show("CSV", "the same, types", read("read_csv('v.csv', types = {v: 'BIGINT'})", 21000))
show("CSV", "the same, sample_size = -1", read("read_csv('v.csv', sample_size = -1)", 21000))
show("CSV", "21000 lines, then 007 1_5 1e1", read(csv(21000, "007", "1_5", "1e1"), 21000))
show("CSV", "21000 lines, then off", read(csv(21000, "off"), 21000))
days = csv(21000, "2025-05-01 12:30:00", before="2025-05-01")
show("CSV", "21000 days, then a day and time", read(days, 21000))
for lines in (20000, 21000):
    show("JSON", f"{lines} lines, then {' '.join(DECIMALS)}", read(json(lines, *in_json), lines))
show("JSON", "21000 lines, then a new field", read(json(21000, '{"v": 20, "w": 5}'), 21000))
for count in (31, 32):
    files = json_files(count, *in_json)
    show("JSON", f"{count} files, then {' '.join(DECIMALS)}", read(files, count))
show("JSON", "the same, sample_size = -1", read(f"read_json({files}, sample_size = -1)", 32))
show("JSON", "the same, union_by_name", read(f"read_json({files}, union_by_name = true)", 32))
files = json_files(32, '{"v": 20, "w": 5}')
show("JSON", "32 files, then a new field", " ".join(duckdb.sql(f"SELECT * FROM {files}").columns))
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
