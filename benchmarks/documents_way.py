"""The reference documents' way: a script a layer, each with a session of its own; schema inferred, tables overwritten.

    .venv/spark/bin/python benchmarks/documents_way.py bronze|silver|gold LANDING LAKE YYYY-MM-DD

As the documents have it, there are no accounts, no quarantine, no checks and no publishing, and every script works on
all that has ever landed. So it is not the same work as a night of the project: it is what a night costs without any of
that, by somebody who follows the documents. LANDING is as benchmarks/landing.py leaves it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

ROOT = Path(__file__).resolve().parents[1]
FEEDS = ("devices", "events", "readings")
QUERIES = {
    "sensor_hourly": """
        SELECT device_id, date_trunc('hour', timestamp) AS hour, metric_name, avg(metric_value) AS avg_value,
               min(metric_value) AS min_value, max(metric_value) AS max_value, count(*) AS reading_count
        FROM readings GROUP BY ALL""",
    "device_anomalies": """
        SELECT r.device_id, d.device_type, r.metric_name, avg(r.metric_value) AS avg_value,
               stddev(r.metric_value) AS stddev_value, sum(CASE WHEN r.is_anomaly THEN 1 ELSE 0 END) AS anomaly_count
        FROM readings r JOIN devices d ON r.device_id = d.device_id
        WHERE r.timestamp >= DATE'{night}' - INTERVAL 7 DAYS GROUP BY ALL HAVING anomaly_count > 10""",
    "device_health": """
        SELECT device_type, status, count(*) AS device_count, avg(datediff(DATE'{night}', install_date)) AS avg_age_days
        FROM devices GROUP BY ALL""",
    "site_events": """
        SELECT d.device_id, d.latitude, d.longitude, count(e.event_id) AS event_count,
               sum(CASE WHEN e.severity = 'Critical' THEN 1 ELSE 0 END) AS critical_count
        FROM devices d LEFT JOIN events e
          ON d.device_id = e.device_id AND e.timestamp >= DATE'{night}' - INTERVAL 30 DAYS GROUP BY ALL""",
}


def bronze(spark: SparkSession, landing: str, lake: str, night: str) -> None:
    """Overwrite each bronze table by all that has landed."""
    for feed in FEEDS:
        _overwrite(spark.read.json(f"{landing}/{feed}"), f"{lake}/bronze/{feed}")


def silver(spark: SparkSession, landing: str, lake: str, night: str) -> None:
    """Overwrite each silver table by the rows of bronze without copies and without what is missing or out of range."""
    rows = {feed: spark.read.format("delta").load(f"{lake}/bronze/{feed}") for feed in FEEDS}
    devices = rows["devices"].dropDuplicates(["device_id"])
    timed = {
        feed: rows[feed].withColumn("timestamp", F.to_timestamp("timestamp"))
        for feed in ("events", "readings")
    }
    events = (
        timed["events"].dropDuplicates(["event_id"]).dropna(subset=["event_id", "device_id", "timestamp"])
    )
    readings = (
        timed["readings"]
        .dropDuplicates(["reading_id"])
        .dropna(subset=["reading_id", "device_id", "timestamp", "metric_value"])
        .where("metric_value BETWEEN -20 AND 1070 AND quality_score BETWEEN 0 AND 100")
        .join(devices.select("device_id"), on="device_id")
    )
    for feed, cleaned in {"devices": devices, "events": events, "readings": readings}.items():
        _overwrite(cleaned, f"{lake}/silver/{feed}")


def gold(spark: SparkSession, landing: str, lake: str, night: str) -> None:
    """Overwrite each gold table by the documents' demo query over all of silver."""
    for feed in FEEDS:
        spark.read.format("delta").load(f"{lake}/silver/{feed}").createOrReplaceTempView(feed)
    for table, query in QUERIES.items():
        _overwrite(spark.sql(query.format(night=night)), f"{lake}/gold/{table}")


def _overwrite(rows: DataFrame, path: str) -> None:
    rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(path)


def session(layer: str, lake: str) -> SparkSession:
    """Start a session in a JVM of its own, with the settings that the documents leave as they are."""
    jars = ",".join(str(jar) for jar in sorted((ROOT / "spark/jars").glob("*.jar")))
    return (
        SparkSession.builder.appName(f"documents_{layer}")
        .master("local[*]")
        .config("spark.jars", jars)
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.driver.memory", "2g")  # as the project's server has
        .config("spark.ui.enabled", "false")
        .config("spark.sql.warehouse.dir", f"{lake}/warehouse")
        .getOrCreate()
    )


def main() -> None:
    """Run the script of one layer."""
    layer, landing, lake, night = sys.argv[1:]
    scripts: dict[str, Callable[[SparkSession, str, str, str], None]] = {
        "bronze": bronze,
        "silver": silver,
        "gold": gold,
    }
    spark = session(layer, lake)
    scripts[layer](spark, landing, lake, night)
    gateway = spark.sparkContext._gateway
    spark.stop()
    # Waited for, so that its processor time is counted with that of this script.
    if gateway is not None:
        gateway.proc.stdin.close()
        gateway.proc.wait()


if __name__ == "__main__":
    main()
