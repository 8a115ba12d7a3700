#!/usr/bin/env bash
# pyspark 4.1.3 (Hadoop 3.4.2, Java 17 or 21)
#
# Two thirds of the Hadoop configuration that local Spark serializes for each scan of files and each task that writes
# one are settings of YARN and MapReduce, although neither takes part: Spark has their classes loaded, and these add
# their files of defaults to every configuration. Each setting is written with its source, compressed by itself, so a
# pipeline of many small queries spends a good part of its processor time there. Nothing in Spark turns it off. Empty
# files of the same names in Spark's folder of settings do: it is the first place that Hadoop looks in.
#
# Seen (settings, and kilobytes of the serialized configuration, to the next ten):
#   as installed                   1097 110
#   empty files of defaults        383 40
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyspark==4.1.3
mkdir "$folder/none" "$folder/settings"
for name in mapred yarn; do
  printf '<?xml version="1.0"?>\n<configuration/>\n' > "$folder/settings/$name-default.xml"
done
cd "$folder"
cat > measure.py <<'PYTHON'
import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
spark.range(1).write.parquet(sys.argv[1])
settings = spark._jsparkSession.sessionState().newHadoopConf()
written = spark._jvm.java.io.ByteArrayOutputStream()
settings.write(spark._jvm.java.io.DataOutputStream(written))
print(f"{sys.argv[2]:30} {settings.size()} {round(written.size(), -4) // 1000}")
PYTHON
{
  SPARK_CONF_DIR=$folder/none venv/bin/python measure.py first "as installed"
  SPARK_CONF_DIR=$folder/settings venv/bin/python measure.py second "empty files of defaults"
} > seen 2> log || { tail -20 log >&2; exit 1; }
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
