#!/usr/bin/env bash
# deltalake 1.6.6, pyarrow 26.0.1
#
# Delta is known for refusing rows whose types are not the table's, and deltalake refuses text that is no number, and
# numbers that are too large. But whatever can be cast is cast, without a word: readings with decimals that arrive for a
# column of integers are cut (-0.9 becomes 0), also with `schema_mode="merge"`, in an overwrite and in a merge; a
# decimal that has a scale too many is refused by a decimal column and cut by a column of integers. Epochs count as
# microseconds, so those in milliseconds are written as days of January 1970. Local times as text are taken for UTC, and
# the text "off" for false. Compare the schemas before writing: `append` is no check.
#
# Seen (what is written, the column's type, what is read):
#   21.7                            long         21
#   -0.9                            long         0
#   21.7, schema_mode="merge"       long         21
#   21.7, overwritten               long         21
#   21.7, merged                    long         21
#   decimal 21.79                   long         21
#   decimal 21.79                   decimal(5,1) refused
#   1e300                           float        inf
#   1e300                           long         refused
#   text "21.7"                     long         refused
#   text "21.7"                     double       21.7
#   epoch 1700000000000             timestamp    1970-01-20 16:13:20+00:00
#   text "2024-07-01 12:00:00"      timestamp    2024-07-01 12:00:00+00:00
#   text "off"                      boolean      False
#   text "offline"                  boolean      refused
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet deltalake==1.6.6 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from decimal import Decimal

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

KINDS = {
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "decimal(5,1)": pa.decimal128(5, 1),
    "timestamp": pa.timestamp("us", "UTC"),
    "boolean": pa.bool_(),
}


def append(table: str, rows: pa.Table) -> None:
    write_deltalake(table, rows, mode="append")


def append_with_merged_schemas(table: str, rows: pa.Table) -> None:
    write_deltalake(table, rows, mode="append", schema_mode="merge")


def overwrite(table: str, rows: pa.Table) -> None:
    write_deltalake(table, rows, mode="overwrite")


def merge(table: str, rows: pa.Table) -> None:
    merger = DeltaTable(table).merge(rows, "t.id = s.id", source_alias="s", target_alias="t")
    merger.when_not_matched_insert_all().execute()


def show(what: str, value: object, kind: str, write=append) -> None:
    show.count = getattr(show, "count", 0) + 1
    table = f"t{show.count}"
    schema = pa.schema({"id": pa.int64(), "v": KINDS[kind]})
    write_deltalake(table, schema.empty_table())
    try:
        write(table, pa.table({"id": [1], "v": [value]}))
        (found,) = DeltaTable(table).to_pyarrow_table()["v"].to_pylist()
    except Exception:
        if DeltaTable(table).to_pyarrow_table().num_rows:
            raise
        found = "refused"
    print(f"{what:31} {kind:12} {found}")


show("21.7", 21.7, "long")
show("-0.9", -0.9, "long")
show('21.7, schema_mode="merge"', 21.7, "long", append_with_merged_schemas)
show("21.7, overwritten", 21.7, "long", overwrite)
show("21.7, merged", 21.7, "long", merge)
show("decimal 21.79", Decimal("21.79"), "long")
show("decimal 21.79", Decimal("21.79"), "decimal(5,1)")
show("1e300", 1e300, "float")
show("1e300", 1e300, "long")
show('text "21.7"', "21.7", "long")
show('text "21.7"', "21.7", "double")
show("epoch 1700000000000", 1700000000000, "timestamp")
show('text "2024-07-01 12:00:00"', "2024-07-01 12:00:00", "timestamp")
show('text "off"', "off", "boolean")
show('text "offline"', "offline", "boolean")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
