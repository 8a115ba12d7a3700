#!/usr/bin/env bash
# delta-spark 4.4.0 on pyspark 4.1.3 (Java 17 or 21)
#
# Once Delta's session extension is installed, `spark.sql("… :name", {"name": value})` and `spark.sql("… ?", [value])` are
# refused with an unbound parameter, in every statement, also in a SELECT that touches no Delta table; without the extension
# the same session takes them. So values cannot be bound in SQL text on Delta: use DataFrame conditions, or MERGE by
# `mergeInto`, which take values as columns. (delta-io/delta issue 7640: open when this was written.)
#
# Seen:
#   without Delta  SELECT by name       taken
#   without Delta  SELECT by position   taken
#   with Delta     SELECT by name       UNBOUND_SQL_PARAMETER
#   with Delta     SELECT by position   UNBOUND_SQL_PARAMETER
#   with Delta     DELETE by name       UNBOUND_SQL_PARAMETER
#   with Delta     where(col == value)  taken
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspark==4.1.3 delta-spark==4.4.0
cd "$folder"
cat > tried.py <<'PYTHON'
import sys
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

way = sys.argv[1]
builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
if way == "with":
    builder = (
        builder.config("spark.jars.packages", "io.delta:delta-spark_4.1_2.13:4.4.0")
        .config("spark.jars.ivy", str(Path("ivy").absolute()))
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    )
spark = builder.getOrCreate()


def said(what: str, run) -> None:
    try:
        run()
        outcome = "taken"
    except PySparkException as error:
        outcome = error.getCondition()
    print(f"{way + ' Delta':13}  {what:19}  {outcome}")


spark.range(9).createOrReplaceTempView("numbers")
said("SELECT by name", lambda: spark.sql("SELECT * FROM numbers WHERE id = :id", {"id": 3}).collect())
said("SELECT by position", lambda: spark.sql("SELECT * FROM numbers WHERE id = ?", [3]).collect())
if way == "with":
    spark.range(9).write.format("delta").saveAsTable("t")
    said("DELETE by name", lambda: spark.sql("DELETE FROM t WHERE id = :id", {"id": 3}))
    said("where(col == value)", lambda: spark.table("t").where(F.col("id") == 3).collect())
PYTHON
for way in without with; do
  "$folder/venv/bin/python" tried.py $way >> seen 2> log || { tail -20 log >&2; exit 1; }
done
cat seen
diff <(sed -n '/^# Seen:/,/^set/s/^#   //p' "$own") seen && echo "as before"
