#!/usr/bin/env bash
# pyspark 4.1.3 (Java 17 or 21)
#
# In a declarative pipeline (`pyspark.pipelines`) a view is made from a table of the same pipeline with
# `spark.table("readings").withColumn(...)`. The first run is right. The second one leaves the view empty, and says
# COMPLETED of each flow and of the run. The table is there by then, so Spark Connect looks it up for `withColumn` while
# the query is declared, and takes it for one from outside: no flow waits for the other, and since a run empties all
# materialized views before it fills them, the view is made from nothing. `select` is not looked up, and right. So is
# a `temporary_view` between the two, which is in no catalog. (`drop`, `distinct`, `fillna` and `withWatermark` are
# looked up as well, so with them the first run already fails, as the table is not found.)
#
# Seen (run; rows of the table, and of what is made from it by select, by withColumn, by withColumn of a temporary view):
#   1 completed: 3 3 3 3
#   2 completed: 3 3 0 3
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pyspark[connect,pipelines]==4.1.3"
cd "$folder"
"$folder/venv/bin/python" - > all 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from pathlib import Path

from pyspark import pipelines
from pyspark.pipelines.graph_element_registry import graph_element_registration_context
from pyspark.pipelines.spark_connect_graph_element_registry import SparkConnectGraphElementRegistry
from pyspark.pipelines.spark_connect_pipeline import create_dataflow_graph, handle_pipeline_events, start_run
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

spark = SparkSession.builder.remote("local[1]").config("spark.ui.enabled", "false").getOrCreate()
storage = Path("storage").absolute().as_uri()


def run():
    """What `spark-pipelines run` does with these definitions."""
    graph = create_dataflow_graph(spark, default_catalog="spark_catalog", default_database="default", sql_conf={})
    with graph_element_registration_context(SparkConnectGraphElementRegistry(spark, graph)):

        @pipelines.materialized_view
        def readings():
            return spark.range(3)

        @pipelines.materialized_view
        def by_select():
            return spark.table("readings").select("*", F.lit(1).alias("one"))

        @pipelines.materialized_view
        def by_with_column():
            return spark.table("readings").withColumn("one", F.lit(1))

        @pipelines.temporary_view
        def between():
            return spark.table("readings").select("*")

        @pipelines.materialized_view
        def by_view():
            return spark.table("between").withColumn("one", F.lit(1))

    events = start_run(
        spark, graph, full_refresh=None, full_refresh_all=False, refresh=None, dry=False, storage=storage
    )
    handle_pipeline_events(events)


for number in (1, 2):
    run()
    counts = [spark.table(name).count() for name in ("readings", "by_select", "by_with_column", "by_view")]
    print(number, "completed:", *counts)
PYTHON
grep completed: all > seen
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
