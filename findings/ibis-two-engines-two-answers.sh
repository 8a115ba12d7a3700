#!/usr/bin/env bash
# ibis-framework 12.0.0, DuckDB 2.0.1, polars 2.1.0, pyarrow 26.0.1
#
# Ibis writes an expression once for any engine, but what it means is left to the engine, also where Python has an answer.
# The difference of two wind directions, (10 - 350) % 360, is 20 in Python and Polars and -340 in DuckDB. A cast to whole
# numbers cuts in Polars and rounds in DuckDB, halves to even, while `round()` there takes halves away from zero. A 32-bit
# counter's sum wraps around in Polars and is wider in DuckDB; null is a value of its own for `nunique` in Polars; NaN is
# the largest of all for DuckDB's `max` and `clip`, and for Polars the one is without it and the other keeps it. So tests
# on one engine say little of a table that the other makes, and neither warns. Write `(x % 360 + 360) % 360`, `.floor()`
# or `.round()` of something that has no halves, cast before a sum, and drop NaN first.
#
# Seen (on DuckDB, on Polars):
#   (10 - 350) % 360                    -340.0                 20.0
#   (350 - 10) % 360                    340.0                  340.0
#   -7 % 4, integers                    -3                     1
#   21.7 and -0.9, cast to int64        22 -1                  21 0
#   "21.7", try_cast to int64           22                     None
#   round of 20.5 and 21.5              21 22                  20 22
#   sum of 2147483647 and 1, int32      2147483648             -2147483648
#   nunique of 1, 2, null               2                      3
#   max of 1, 2, NaN                    nan                    2.0
#   clip of 1, 2, NaN to at most 3      1.0 2.0 3.0            1.0 2.0 nan
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'ibis-framework[duckdb,polars]==12.0.0' duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from collections.abc import Callable

import ibis
import pyarrow as pa

ENGINES = ibis.duckdb.connect(), ibis.polars.connect()


def show(what: str, columns: dict[str, pa.Array], expression: Callable[[ibis.Table], ibis.Value]) -> None:
    value = expression(ibis.memtable(pa.table(columns))).name("v")
    answers = [engine.to_pyarrow(value.as_table())["v"].to_pylist() for engine in ENGINES]
    found = [" ".join(map(str, answer)) for answer in answers]
    print(f"{what:35} {found[0]:22} {found[1]}")


def column(*values: object, kind: pa.DataType = None) -> dict[str, pa.Array]:
    return {"v": pa.array(values, kind)}


NAN = float("nan")
show("(10 - 350) % 360", column(10.0) | {"w": [350.0]}, lambda t: (t.v - t.w) % 360)
show("(350 - 10) % 360", column(350.0) | {"w": [10.0]}, lambda t: (t.v - t.w) % 360)
show("-7 % 4, integers", column(-7), lambda t: t.v % 4)
show("21.7 and -0.9, cast to int64", column(21.7, -0.9), lambda t: t.v.cast("int64"))
show('"21.7", try_cast to int64', column("21.7"), lambda t: t.v.try_cast("int64"))
show("round of 20.5 and 21.5", column(20.5, 21.5), lambda t: t.v.round())
show("sum of 2147483647 and 1, int32", column(2147483647, 1, kind=pa.int32()), lambda t: t.v.sum())
show("nunique of 1, 2, null", column(1, 2, None), lambda t: t.v.nunique())
show("max of 1, 2, NaN", column(1.0, 2.0, NAN), lambda t: t.v.max())
show("clip of 1, 2, NaN to at most 3", column(1.0, 2.0, NAN), lambda t: t.v.clip(upper=3))
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
