#!/usr/bin/env bash
# delta-spark 4.4.0 on pyspark 4.1.3 (Java 17 or 21)
#
# `VACUUM t RETAIN n HOURS` does not keep files for n hours. What counts is the table's property
# `delta.deletedFileRetentionDuration` (a week where it is not set): with a second there, a vacuum that says to retain 30
# days removes a file that is a few seconds old, without a word, and `VERSION AS OF` of the version that needed it is
# refused from that second on, before any vacuum, although its file is still there. So a retention in days has to be set
# as a property, together with `delta.logRetentionDuration`; the number in the statement changes nothing.
#
# Seen:
#   files before                             2
#   older version before the vacuum          refused: DELTA_UNSUPPORTED_TIME_TRAVEL_BEYOND_DELETED_FILE_RETENTION_DURATION
#   files after RETAIN 720 HOURS             1
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspark==4.1.3 delta-spark==4.4.0
cd "$folder"
"$folder/venv/bin/python" - > said 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import time
from pathlib import Path

from pyspark.errors import PySparkException
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


def said(what: str, found: object) -> None:
    print(f"{what:40} {found}")


def files() -> int:
    return len([*Path("spark-warehouse/t").glob("*.parquet")])


spark.range(1).coalesce(1).write.format("delta").saveAsTable("t")
spark.range(5).coalesce(1).write.format("delta").mode("overwrite").saveAsTable("t")
spark.sql("ALTER TABLE t SET TBLPROPERTIES ('delta.deletedFileRetentionDuration' = 'interval 1 second')")
time.sleep(3)
said("files before", files())
try:
    spark.sql("SELECT * FROM t VERSION AS OF 0").collect()
    said("older version before the vacuum", "is read")
except PySparkException as error:
    said("older version before the vacuum", f"refused: {error.getCondition()}")
spark.sql("VACUUM t RETAIN 720 HOURS")
said("files after RETAIN 720 HOURS", files())
PYTHON
grep -v '^Deleted' said > seen # what the statement itself says
cat seen
diff <(sed -n '/^# Seen:/,/^set/s/^#   //p' "$own") seen && echo "as before"
