#!/usr/bin/env bash
# dlt 1.31.0, DuckDB 2.0.1
#
# A meter sends P+ for the energy taken in and P- for the energy given back. dlt makes a column's name of what a field's
# name has in letters and digits, small ones, with x or _ for all else, and both are px: of one record only the field
# that comes last is kept, of two records both values stand in the same column. So it is with the temperature T and the
# time t, and with any names that have no Latin letter: latitude and longitude in Greek are x, temperature and humidity
# in Chinese as well. Nothing is said, all rows are there, and the type is that of the value that won. A nested field
# and one that is named as dlt names it are one, too. With the naming `direct` the names stay, apart from capitals, which
# DuckDB does not tell apart (dlt-hub/dlt issue 423 was closed with an example of a naming that adds hashes). In the
# same way, whatever number comes into a column of booleans becomes true; in a column of integers a decimal gets a
# column of its own.
#
# Seen (what is in the table, and with the naming `direct`):
#   {"P+": 120.5, "P-": 7.25}         px=7.25                     P+=120.5 P-=7.25
#   {"P-": 7.25, "P+": 120.5}         px=120.5                    P-=7.25 P+=120.5
#   {"P+": 120.5} {"P-": 7.25}        px=120.5 px=7.25            P+=120.5 P-=7.25
#   {"T": 21.5, "t": 1700000000}      t=1700000000                -
#   {"φ": 52.5, "λ": 13.4}            x=13.4                      φ=52.5 λ=13.4
#   {"温度": 21.5, "湿度": 60}            x=60                        温度=21.5 湿度=60
#   {"a": {"b": 1}, "a__b": 2}        a__b=1                      a__b=2 a▶b=1
#   {"on": true} {"on": 0.5}          on=True on=True             on=True on=True
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'dlt[duckdb]==1.31.0' duckdb==2.0.1
cd "$folder"
export DLT_DATA_DIR="$folder/dlt" RUNTIME__DLTHUB_TELEMETRY=false
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import json

import dlt
import duckdb

made = 0


def kept(naming: str, records: list[dict[str, object]]) -> str:
    global made
    made += 1
    dlt.config["schema.naming"] = naming
    file = f"{made}.duckdb"
    pipeline = dlt.pipeline(f"p{made}", destination=dlt.destinations.duckdb(file), dataset_name="d")
    pipeline.run(records, table_name="t")
    with duckdb.connect(file) as database:
        rows = database.sql("SELECT * FROM d.t")
        names = [name for name in rows.columns if not name.startswith("_dlt")]
        values = [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]
    return " ".join(f"{name}={row[name]}" for row in values for name in names if row[name] is not None)


def show(*records: dict[str, object], direct: bool = True) -> None:
    sent = " ".join(json.dumps(record, ensure_ascii=False) for record in records)
    print(f"{sent:33} {kept('snake_case', list(records)):27} {kept('direct', list(records)) if direct else '-'}")


show({"P+": 120.5, "P-": 7.25})
show({"P-": 7.25, "P+": 120.5})
show({"P+": 120.5}, {"P-": 7.25})
show({"T": 21.5, "t": 1700000000}, direct=False)
show({"φ": 52.5, "λ": 13.4})
show({"温度": 21.5, "湿度": 60})
show({"a": {"b": 1}, "a__b": 2})
show({"on": True}, {"on": 0.5})
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
