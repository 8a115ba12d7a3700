#!/usr/bin/env bash
# openlineage-sql 1.54.0
#
# Many a query begins with WITH readings AS (SELECT … FROM silver.readings), so that what is left of a table keeps its
# name. OpenLineage's parser of SQL, which Airflow's provider asks for the tables of an operator's query, says that
# such a query reads nothing: the table is taken for the name behind WITH, whatever its schema or catalog. There is no
# error, the run is there with what it has written, and only its input is missing, from INSERT, CREATE TABLE, MERGE and
# DELETE alike, until the query reads the table a second time. An alias of the same name is no such thing. A statement
# that the parser does not know, as of Delta's CREATE TABLE … USING DELTA and INSERT … REPLACE WHERE, has no tables at
# all and its error in a list beside them, which nothing raises. Give the names behind WITH words of their own.
#
# Seen (dialect databricks; tables read; written; errors):
#   another name        silver.readings   gold.hours   0
#   the table's name    -                 gold.hours   0
#   with a catalog      -                 gold.hours   0
#   in CREATE TABLE     -                 gold.hours   0
#   in MERGE            -                 gold.hours   0
#   in DELETE           -                 gold.hours   0
#   and read elsewhere  silver.readings   gold.hours   0
#   in a subquery       silver.readings   gold.hours   0
#   USING DELTA         -                 -            1
#   REPLACE WHERE       -                 -            1
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openlineage-sql==1.54.0
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from openlineage_sql import parse

READINGS = "WITH readings AS (SELECT * FROM silver.readings) SELECT * FROM readings"
for what, query in {
    "another name": "INSERT INTO gold.hours WITH r AS (SELECT * FROM silver.readings) SELECT * FROM r",
    "the table's name": f"INSERT INTO gold.hours {READINGS}",
    "with a catalog": f"INSERT INTO gold.hours {READINGS.replace('silver', 'lake.silver')}",
    "in CREATE TABLE": f"CREATE TABLE gold.hours AS {READINGS}",
    "in MERGE": f"MERGE INTO gold.hours h USING ({READINGS}) r ON h.id = r.id WHEN MATCHED THEN UPDATE SET v = r.v",
    "in DELETE": f"DELETE FROM gold.hours WHERE id IN ({READINGS.replace('*', 'id')})",
    "and read elsewhere": f"INSERT INTO gold.hours {READINGS} JOIN silver.readings USING (id)",
    "in a subquery": "INSERT INTO gold.hours SELECT * FROM (SELECT * FROM silver.readings) AS readings",
    "USING DELTA": "CREATE TABLE gold.hours USING DELTA AS SELECT * FROM silver.readings",
    "REPLACE WHERE": "INSERT INTO gold.hours REPLACE WHERE day = '2024-03-05' SELECT * FROM silver.readings",
}.items():
    found = parse([query], dialect="databricks")
    tables = [" ".join(table.qualified_name for table in side) or "-" for side in (found.in_tables, found.out_tables)]
    print(f"{what:19} {tables[0]:17} {tables[1]:12} {len(found.errors)}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
