#!/usr/bin/env bash
# deltalake 1.6.6, polars 2.1.0, pyarrow 26.0.1
#
# deltalake writes the smallest and largest decimal of a file into Delta's log by way of a double, so with more than 15
# digits they are not what the file holds: 1234.5 in DECIMAL(38,18), the type that Spark gives to Python's Decimal, has the
# statistic 1234.4999999999998. Readers believe the log. A query for exactly 1234.5 opens no file and finds nothing, in
# deltalake's SQL, in Polars and in filters for pyarrow, while the whole table shows the row; `delete` deletes nothing, and
# an overwrite with a predicate leaves the row twice. All without a word. Most of the numbers that have two decimals come
# out right, so a test with one value proves nothing. Integers are exact (delta-io/delta-rs pull request 4757), and a
# precision of up to 15 is; beyond it keep the column out of the table's `delta.dataSkippingStatsColumns`.
#
# Seen (of a table with the one value 1234.5; of 100 values, each in its own file):
#   type                             DECIMAL(15,2)  DECIMAL(38,18)  DECIMAL(38,18) without statistics
#   statistic                        1234.5         1234.4999999999998 none
#   rows in the table                1              1               1
#   found by SQL                     1              0               1
#   found by Polars                  1              0               1
#   found by a filter of pyarrow     1              0               1
#   left by delete                   0              1               0
#   after overwriting it             1              2               1
#   found of 1000.00 to 1000.99      100            72              100
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet deltalake==1.6.6 polars==2.1.0 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder, write_deltalake

VALUE = Decimal("1234.5")


def rows(precision: int, scale: int, values: list[Decimal]) -> pa.Table:
    kinds = pa.decimal128(precision, scale)
    return pa.table({"part": pa.array(range(len(values)), pa.int64()), "v": pa.array(values, kinds)})


def cases(precision: int, scale: int, statistics: str) -> dict[str, object]:
    settings = {"delta.dataSkippingStatsColumns": statistics}
    one = rows(precision, scale, [VALUE])
    literal = f"CAST('{VALUE}' AS DECIMAL({precision},{scale}))"
    made = 0

    def new(content: pa.Table) -> str:
        nonlocal made
        made += 1
        name = f"t{precision}{statistics}{made}"
        write_deltalake(name, content, configuration=settings, partition_by=["part"])
        return name

    def count(name: str) -> int:
        return DeltaTable(name).to_pyarrow_table().num_rows

    table = new(one)
    (log,) = Path(table, "_delta_log").glob("*.json")
    (added,) = [json.loads(line)["add"] for line in log.read_text().splitlines() if '"add"' in line]
    answer = QueryBuilder().register("t", DeltaTable(table)).execute(f"SELECT v FROM t WHERE v = {literal}")
    by_filter = DeltaTable(table).to_pyarrow_table(filters=[("v", "=", VALUE)])
    found = {
        "type": f"DECIMAL({precision},{scale})" + (" without statistics" if statistics != "v" else ""),
        "statistic": json.loads(added["stats"])["maxValues"].get("v", "none"),
        "rows in the table": count(table),
        "found by SQL": pa.table(answer).num_rows,
        "found by Polars": pl.scan_delta(table).filter(pl.col("v") == VALUE).collect().height,
        "found by a filter of pyarrow": by_filter.num_rows,
    }
    DeltaTable(table).delete(f"v = {literal}")
    found["left by delete"] = count(table)
    table = new(one)
    write_deltalake(table, one, mode="overwrite", predicate=f"v = {literal}")
    found["after overwriting it"] = count(table)
    values = [Decimal(100000 + cents).scaleb(-2) for cents in range(100)]
    scan = pl.scan_delta(new(rows(precision, scale, values)))
    heights = [scan.filter(pl.col("v") == value).collect().height for value in values]
    found["found of 1000.00 to 1000.99"] = sum(heights)
    return found


narrow, wide, without = cases(15, 2, "v"), cases(38, 18, "v"), cases(38, 18, "part")
for what, value in narrow.items():
    print(f"{what:32} {value:<14} {wide[what]:<15} {without[what]}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
