#!/usr/bin/env bash
# delta-spark 4.4.0 on pyspark 4.1.3 (Java 17 or 21)
#
# The option `userMetadata`, by which a write says in the table's history who made it, is dropped without a word when
# the write creates or replaces a table of the catalog, with `saveAsTable` as with `writeTo`. When it appends, or makes
# a table at a path, it is kept. So of all commits the first one, with which a pipeline brings a table into being, says
# nothing of the run that made it. The session's setting holds for every write; serverless compute refuses to set it.
#
# Seen (who wrote, in the newest line of the history):
#   append, write.saveAsTable      run 7
#   append, writeTo.append         run 7
#   create, write.saveAsTable      None
#   create, writeTo.create         None
#   create, write.save             run 7
#   replace, writeTo.replace       None
#   create, with the setting       run 8
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
rows, option = spark.range(2), ("userMetadata", "run 7")
writes = {
    "append, write.saveAsTable": lambda name: rows.write.format("delta").mode("append").option(*option).saveAsTable(name),
    "append, writeTo.append": lambda name: rows.writeTo(name).option(*option).append(),
    "create, write.saveAsTable": lambda name: rows.write.format("delta").option(*option).saveAsTable(name),
    "create, writeTo.create": lambda name: rows.writeTo(name).using("delta").option(*option).create(),
    "create, write.save": lambda name: rows.write.format("delta").option(*option).save(f"spark-warehouse/{name}"),
    "replace, writeTo.replace": lambda name: rows.writeTo(name).using("delta").option(*option).replace(),
}
for number, (what, write) in enumerate(writes.items()):
    name = f"t{number}"
    if not what.startswith("create"):
        spark.sql(f"CREATE TABLE {name} (id BIGINT) USING DELTA")
    write(name)
    where = f"delta.`{Path('spark-warehouse', name).absolute()}`"
    print(f"{what:30} {spark.sql(f'DESCRIBE HISTORY {where} LIMIT 1').first().userMetadata}")
spark.conf.set("spark.databricks.delta.commitInfo.userMetadata", "run 8")
rows.writeTo("last").using("delta").create()
print(f"{'create, with the setting':30} {spark.sql('DESCRIBE HISTORY last LIMIT 1').first().userMetadata}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
