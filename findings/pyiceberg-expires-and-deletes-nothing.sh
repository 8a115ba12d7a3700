#!/usr/bin/env bash
# pyiceberg 0.12.0, pyarrow 26.0.1
#
# A table that is overwritten every night and whose old snapshots are expired every week grows for ever all the same:
# `table.maintenance.expire_snapshots()` takes snapshots out of the metadata and deletes no file, neither manifests nor
# rows, though Iceberg's own `expireSnapshots` in Java and Spark's procedure of that name delete both. Afterwards nothing
# refers to the files any more, so nobody can find them but by listing the folder. Compare what all snapshots refer to
# before and after, and delete the difference. `overwrite` makes two snapshots, the first of them without the rows, so
# whoever reads the table as of a moment in between, or of each snapshot, finds it empty; `update_snapshot().overwrite()`
# with the files to delete and to append is one. Old files of metadata stay as well, unless the table has the property
# `write.metadata.delete-after-commit.enabled`.
#
# Seen (ten nights of 100,000 rows, each in place of the last; then all snapshots but the last expire):
#                     before  after
#   snapshots         19      1
#   empty snapshots   9       0
#   files of rows     10      10
#   manifests         19      19
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'pyiceberg[sql-sqlite]==0.12.0' pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog.memory import InMemoryCatalog

catalog = InMemoryCatalog("c", warehouse=str(Path("warehouse").resolve()))
catalog.create_namespace("gold")
rows = pa.table({"v": pa.array(range(100_000), pa.int64())})
table = catalog.create_table("gold.hours", schema=rows.schema)
for _ in range(10):
    table.overwrite(rows)


def counted() -> dict[str, int]:
    now = catalog.load_table("gold.hours")
    ids = [snapshot.snapshot_id for snapshot in now.snapshots()]
    return {
        "snapshots": len(ids),
        "empty snapshots": sum(now.scan(snapshot_id=each).count() == 0 for each in ids),
        "files of rows": len(list(Path("warehouse").rglob("*.parquet"))),
        "manifests": len(list(Path("warehouse").rglob("*-m[0-9].avro"))),
    }


before = counted()
table.maintenance.expire_snapshots().older_than(datetime.now() + timedelta(days=2)).commit()
after = counted()
print(f"{'':17} before  after")
for what, number in before.items():
    print(f"{what:17} {number:<7} {after[what]}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
