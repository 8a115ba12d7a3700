#!/usr/bin/env bash
# pyiceberg 0.12.0, pyarrow 26.0.1
#
# `table.delete(condition)` does not delete the rows that `table.scan(condition)` finds, once a column has NaN or null.
# If the smallest and largest value of a file show that all of it meets the condition, the file goes as a whole, and with
# it the rows that do not: NaN has no part in those bounds, and with != null has none either. If the file has one row to
# keep, it is written anew, with all rows for which the opposite does not hold, and those that have NaN stay even where
# the condition is met. So whether a sensor's gaps survive `delete("v > 6")` depends on which other readings lie in the
# same file, and nothing is said. `not in` finds null, `!=` does not, and neither deletes it where the file is written
# anew. `overwrite` with a filter deletes in the same way. Scan first, compare the counts, and delete by a key instead.
# (apache/iceberg-python issue 3498 has a part of it: open when this was written.)
#
# Seen (of one file; nan is a number that is none, None is null):
#   values               condition           found                deleted
#   10.0 20.0 nan        v > 6               10.0 20.0            10.0 20.0 nan
#   5.0 20.0 nan         v > 6               20.0                 20.0
#   5.0 20.0 nan         v < 100             5.0 20.0             5.0 20.0 nan
#   5.0 5.0 nan          v == 5              5.0 5.0              5.0 5.0 nan
#   5.0 20.0 nan         v != 5              20.0 nan             20.0
#   5.0 20.0 nan         v is not null       5.0 20.0 nan         5.0 20.0 nan
#   5.0 None nan         v is not null       5.0 nan              5.0
#   low high None        v != 'ok'           low high             low high None
#   ok high None         v != 'ok'           high                 high
#   low high None        v not in ('a', 'b') low high None        low high None
#   a high None          v not in ('a', 'b') high None            high
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'pyiceberg[sql-sqlite]==0.12.0' pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from collections import Counter
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog.memory import InMemoryCatalog

NAN = float("nan")
catalog = InMemoryCatalog("c", warehouse=str(Path("warehouse").resolve()))
catalog.create_namespace("silver")


def texts(rows: pa.Table) -> list[str]:
    return [str(value) for value in rows["v"].to_pylist()]


def show(values: list[object], condition: str) -> None:
    show.count = getattr(show, "count", 0) + 1
    rows = pa.table({"v": values})
    table = catalog.create_table(f"silver.readings{show.count}", schema=rows.schema)
    table.append(rows)
    found = texts(table.scan(row_filter=condition).to_arrow())
    table.delete(condition)
    left = Counter(texts(table.scan().to_arrow()))
    deleted = (Counter(texts(rows)) - left).elements()
    print(f"{' '.join(texts(rows)):20} {condition:19} {' '.join(found):20} {' '.join(deleted)}")


print(f"{'values':20} {'condition':19} {'found':20} deleted")
show([10.0, 20.0, NAN], "v > 6")
show([5.0, 20.0, NAN], "v > 6")
show([5.0, 20.0, NAN], "v < 100")
show([5.0, 5.0, NAN], "v == 5")
show([5.0, 20.0, NAN], "v != 5")
show([5.0, 20.0, NAN], "v is not null")
show([5.0, None, NAN], "v is not null")
show(["low", "high", None], "v != 'ok'")
show(["ok", "high", None], "v != 'ok'")
show(["low", "high", None], "v not in ('a', 'b')")
show(["a", "high", None], "v not in ('a', 'b')")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
