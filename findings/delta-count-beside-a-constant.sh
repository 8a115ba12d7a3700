#!/usr/bin/env bash
# delta-spark 4.4.0 on pyspark 4.1.3 (Java 17 or 21)
#
# Delta answers `SELECT count(*) FROM t` and `SELECT max(c) FROM t` from its log, without opening a data file. A constant
# in the same select list, such as the table's name, ends that: the plan scans all files of the table. A subquery around
# the count does not help, since the optimizer merges the two selects. So one query for the row counts of many tables,
# `SELECT 'a', count(*) FROM a UNION ALL SELECT 'b', count(*) FROM b`, reads every table, where one query for each reads
# none. The union itself is harmless: counts alone stay in the log. Scalar subqueries keep both names and log:
# SELECT (SELECT count(*) FROM a) AS a, (SELECT count(*) FROM b) AS b.
#
# Seen:
#   count                          log
#   max                            log
#   constant beside count          files
#   constant around count          files
#   union of counts                log
#   union of names and counts      files
#   scalar subqueries              log
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspark==4.1.3 delta-spark==4.4.0
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from pathlib import Path

from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.jars.packages", "io.delta:delta-spark_4.1_2.13:4.4.0")
    .config("spark.jars.ivy", str(Path("ivy").absolute()))
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
for table in "ab":
    spark.range(100).withColumnRenamed("id", "c").write.format("delta").saveAsTable(table)
queries = {
    "count": "SELECT count(*) AS n FROM a",
    "max": "SELECT max(c) AS n FROM a",
    "constant beside count": "SELECT 'a' AS name, count(*) AS n FROM a",
    "constant around count": "SELECT 'a' AS name, n FROM (SELECT count(*) AS n FROM a)",
    "union of counts": "SELECT count(*) AS n FROM a UNION ALL SELECT count(*) FROM b",
    "union of names and counts": "SELECT 'a' AS name, count(*) AS n FROM a UNION ALL SELECT 'b', count(*) FROM b",
    "scalar subqueries": "SELECT (SELECT count(*) FROM a) AS a, (SELECT count(*) FROM b) AS b",
}
for name, query in queries.items():
    plan = "\n".join(row[0] for row in spark.sql(f"EXPLAIN {query}").collect())
    print(f"{name:30} {'files' if 'FileScan' in plan else 'log'}")
PYTHON
cat seen
diff <(sed -n '/^# Seen:/,/^set/s/^#   //p' "$own") seen && echo "as before"
