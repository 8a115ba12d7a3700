#!/usr/bin/env bash
# pyiceberg 0.12.0, duckdb 1.5.5 with its extension iceberg, pyarrow 26.0.1
#
# An Iceberg table's location is a URI by the specification's examples, and `Path.as_uri()` is how Python makes one. But
# pyiceberg decodes nothing: a warehouse below "my lake" is written beside it, below "my%20lake", and is read from there
# again, so that no test with pyiceberg alone shows it, and a backup, a volume or a quota of the real folder misses it.
# Written as "file://" and the path, a "#" or "?" ends the path: metadata, manifests and rows of all tables go over each
# other into one file that is called by what comes before it, and reading or writing again fails with UnicodeDecodeError. Only a
# path without any scheme means what it says. DuckDB decodes nothing either, so it reads what pyiceberg wrote.
#
# Seen:
#   folder     warehouse      rows                   in the folder  elsewhere      DuckDB
#   my lake    as_uri()       1                      0              my%20lake      1
#   my lake    file:// + path 1                      5              -              1
#   my lake    path           1                      5              -              1
#   lake #1    as_uri()       1                      0              lake%20%231    1
#   lake #1    file:// + path UnicodeDecodeError     0              lake           IOException
#   lake #1    path           1                      5              -              1
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'pyiceberg[sql-sqlite]==0.12.0' pyarrow==26.0.1 duckdb==1.5.5 \
  duckdb-extension-avro==1.5.5 duckdb-extension-iceberg==1.5.5
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from importlib.resources import files
from pathlib import Path
from tempfile import mkdtemp

import duckdb
import pyarrow as pa
from pyiceberg.catalog.memory import InMemoryCatalog

connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
for package in ("duckdb_extension_avro", "duckdb_extension_iceberg"):
    (file,) = files(package).joinpath("extensions", f"v{duckdb.__version__}").iterdir()
    connection.load_extension(str(file))


def by_duckdb(metadata: str) -> object:
    try:
        return connection.execute("SELECT count(*) FROM iceberg_scan(?)", [metadata]).fetchone()[0]
    except duckdb.Error as error:
        return type(error).__name__


def show(*values: object) -> None:
    print("{:10} {:14} {:22} {:14} {:14} {}".format(*map(str, values)))


show("folder", "warehouse", "rows", "in the folder", "elsewhere", "DuckDB")
for name in ("my lake", "lake #1"):
    for how in ("as_uri()", "file:// + path", "path"):
        base = Path(mkdtemp(dir="."), "base").resolve()
        lake = base / name
        lake.mkdir(parents=True)
        warehouse = {"as_uri()": lake.as_uri(), "file:// + path": f"file://{lake}", "path": str(lake)}[how]
        catalog = InMemoryCatalog("c", warehouse=warehouse)
        catalog.create_namespace("gold")
        table = catalog.create_table("gold.hours", schema=pa.schema({"v": pa.int64()}))
        try:
            table.append(pa.table({"v": [1]}))
            rows: object = catalog.load_table("gold.hours").scan().to_arrow().num_rows
        except Exception as error:
            rows = type(error).__name__
        inside = sum(file.is_file() for file in lake.rglob("*"))
        elsewhere = [repr(each.name)[1:-1] for each in base.iterdir() if each != lake]
        show(name, how, rows, inside, ", ".join(elsewhere) or "-", by_duckdb(table.metadata_location))
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
