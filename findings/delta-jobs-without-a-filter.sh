#!/usr/bin/env bash
# delta-spark 4.4.0 on pyspark 4.1.3 (Java 17 or 21)
#
# The first query of a table's newest version runs one Spark job more if it has no filter, or filters partition columns
# alone, than if it filters a column of the data: only then does Delta add up the number and size of all the table's
# files, to say what was skipped, although the version's checksum file has both. A filter on a partition column, which
# is meant to make a query cheaper, costs a job here that a filter on any other column does not. Of small tables that
# are written to between all reads, such as those of a pipeline's state, that is a third of the jobs of each read.
#
# Seen (jobs of the first query after a commit, and of the same query again):
#   no filter                      3 2
#   partition column               3 2
#   data column                    2 2
#   partition and data column      2 2
#   checksum file has numFiles     yes
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspark==4.1.3 delta-spark==4.4.0
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import json
from pathlib import Path

from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.jars.packages", "io.delta:delta-spark_4.1_2.13:4.4.0")
    .config("spark.jars.ivy", str(Path("ivy").absolute()))
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.sql.adaptive.enabled", "false")
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
spark.sql("CREATE TABLE t (day DATE, value INT) USING DELTA PARTITIONED BY (day)")
status = spark.sparkContext.statusTracker()


def jobs(group: str, query: str) -> int:
    spark.sparkContext.setJobGroup(group, query)
    spark.sql(query).collect()
    return len(status.getJobIdsForGroup(group))


filters = {
    "no filter": "",
    "partition column": "WHERE day = DATE'2024-03-05'",
    "data column": "WHERE value > 0",
    "partition and data column": "WHERE day = DATE'2024-03-05' AND value > 0",
}
for name, where in filters.items():
    spark.sql("INSERT INTO t VALUES (DATE'2024-03-05', 1)")
    query = f"SELECT day, value FROM t {where}"
    print(f"{name:30} {jobs(f'{name}, first', query)} {jobs(f'{name}, again', query)}")
checksum = json.loads(Path("spark-warehouse/t/_delta_log/00000000000000000004.crc").read_text())
print(f"{'checksum file has numFiles':30} {'yes' if checksum['numFiles'] == 4 else 'no'}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
