#!/usr/bin/env bash
# pyspark 4.1.3 (Java 17 or 21)
#
# What a stream observes (`df.observe("name", …)`, read from `query.recentProgress[…].observedMetrics`) has another shape on
# Spark Connect than in a classic session. Classic: a Row with a field for each metric. Connect: a Row with the fields
# `values`, a list, and `schema`; asking for a metric by its name is an error there. The first value by position of a
# classic Row is the number, and on Connect it is the whole list.
#
# Seen:
#   classic  Row(rows=3, largest=30)               row["rows"] is 3          row[0] is 3
#   connect  fields ['values', 'schema']           row["rows"] is refused    row[0] is [3, 30]
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pyspark[connect]==4.1.3"
cd "$folder"
cat > tried.py <<'PYTHON'
import sys
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

way = sys.argv[1]
builder = SparkSession.builder.config("spark.ui.enabled", "false")
spark = (builder.master("local[1]") if way == "classic" else builder.remote("local[1]")).getOrCreate()
Path("in").mkdir(exist_ok=True)
Path("in/readings.json").write_text("".join(f'{{"value": {value}}}\n' for value in (10, 20, 30)))
read = spark.readStream.schema("value INT").json("in")
observed = read.observe("seen", F.count("*").alias("rows"), F.max("value").alias("largest"))
query = (
    observed.writeStream.format("parquet")
    .option("path", f"out-{way}")
    .option("checkpointLocation", f"checkpoint-{way}")
    .trigger(availableNow=True)
    .start()
)
query.awaitTermination()
(row,) = [each.observedMetrics["seen"] for each in query.recentProgress if each.observedMetrics]
fields = list(row.__fields__)
shown = str(row) if way == "classic" else f"fields {fields}"
try:
    by_name = f'row["rows"] is {row["rows"]}'
except (KeyError, ValueError):
    by_name = 'row["rows"] is refused'
print(f"{way}  {shown:36}  {by_name:24}  row[0] is {row[0]}")
spark.stop()
PYTHON
for way in classic connect; do
  "$folder/venv/bin/python" tried.py $way >> seen 2> log || { tail -20 log >&2; exit 1; }
done
cat seen
diff <(sed -n '/^# Seen:/,/^set/s/^#   //p' "$own") seen && echo "as before"
