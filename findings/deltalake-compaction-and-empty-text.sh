#!/usr/bin/env bash
# deltalake 1.6.6, polars 2.1.0, pyarrow 26.0.1
#
# Readings are partitioned by their site, and some devices send "" for it and some nothing. deltalake writes both as they
# are, and its own readers do not agree on what "" is: SQL, the conditions of `delete`, `overwrite` and `merge`, and
# Polars take it for a text, frames and datasets of pyarrow for null, as Delta's protocol asks (delta-io/delta pull
# request 7091 discusses it). So a count by SQL and one by a frame differ. And then the table is compacted, which is to
# change no row: compaction reads "" as null and writes null, for good. A query for "" that had its rows the day before
# has none, a merge that has updated them until then inserts them once more, and an overwrite of "" leaves the old ones;
# older versions have them still. Nothing is said. Where "" has one file and null none there is nothing to compact, so a
# small test shows nothing. Write null or a name for "no site", and let "" not pass.
#
# Seen (rows with "" by SQL, by Polars, by a frame of pyarrow; rows with null by the same):
#   written                       ""  1 1 0  null  1 1 2
#   a checkpoint                  ""  1 1 0  null  1 1 2
#   compacted                     ""  0 0 0  null  2 2 2
#   before it was compacted       ""  1 1 0  null  1 1 2
#   one file, and none of null    ""  1 1 0  null  0 0 1
#   the same, compacted           ""  1 1 0  null  0 0 1
#   two files, and none of null   ""  2 2 0  null  0 0 2
#   the same, compacted           ""  0 0 0  null  2 2 2
#   merged with a row of ""       updates 1, inserts 0
#   the same, compacted before    updates 0, inserts 1
#   overwritten where ""          3 rows
#   the same, compacted before    4 rows
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet deltalake==1.6.6 polars==2.1.0 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import os
import shutil
import sys

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder, write_deltalake


def rows(*sites: str | None) -> pa.Table:
    return pa.table({"site": pa.array(sites, pa.string()), "v": [float(at) for at in range(len(sites))]})


def written(*files: tuple[str | None, ...], compacted: bool = False) -> DeltaTable:
    shutil.rmtree("readings", ignore_errors=True)
    for sites in files:
        write_deltalake("readings", rows(*sites), partition_by=["site"], mode="append")
    if compacted:
        DeltaTable("readings").optimize.compact()
    return DeltaTable("readings")


def by_sql(table: DeltaTable, condition: str) -> int:
    result = QueryBuilder().register("t", table).execute(f"SELECT count(*) AS n FROM t WHERE {condition}")
    return pa.table(result.read_all())["n"][0].as_py()


def show(what: str, table: DeltaTable) -> None:
    polars, frame = (
        pl.scan_delta("readings", version=table.version()).collect()["site"].to_list(),
        table.to_pyarrow_table()["site"].to_pylist(),
    )
    empty = (by_sql(table, "site = ''"), polars.count(""), frame.count(""))
    null = (by_sql(table, "site IS NULL"), polars.count(None), frame.count(None))
    print(f"{what:29} \"\"  {' '.join(map(str, empty))}  null  {' '.join(map(str, null))}")


ALL = ("", "a", None)
table = written(ALL)
show("written", table)
table.create_checkpoint()
show("a checkpoint", DeltaTable("readings"))
table.optimize.compact()
show("compacted", DeltaTable("readings"))
show("before it was compacted", DeltaTable("readings", version=0))
for what, files in (("one file, and none of null", [("", "a")]), ("two files, and none of null", [("", "a"), ("",)])):
    show(what, written(*files))
    show("the same, compacted", written(*files, compacted=True))
for what, compacted in (("merged with a row of \"\"", False), ("the same, compacted before", True)):
    merge = written(ALL, compacted=compacted).merge(rows(""), "s.site = t.site", "s", "t")
    done = merge.when_matched_update_all().when_not_matched_insert_all().execute()
    print(f"{what:29} updates {done['num_target_rows_updated']}, inserts {done['num_target_rows_inserted']}")
for what, compacted in (("overwritten where \"\"", False), ("the same, compacted before", True)):
    written(ALL, compacted=compacted)
    write_deltalake("readings", rows(""), mode="overwrite", predicate="site = ''")
    print(f"{what:29} {DeltaTable('readings').to_pyarrow_table().num_rows} rows")
sys.stdout.flush()
os._exit(0)  # threads of pyarrow that still hold a file of the table may abort the end of the interpreter
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
