"""Stage `maintain`: compact small files, vacuum unneeded ones, and remove the pages of old runs."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from catalog.tables import GOLD, SCHEMAS, SOURCES, TABLES, Table
from jobs.delta import sql
from jobs.delta.lake import Lake
from jobs.errors import JobError, UsageError
from jobs.iceberg import catalogs
from jobs.iceberg import gold as iceberg
from jobs.maintenance.arguments import Options
from jobs.maintenance.old_pages import remove_old_pages
from jobs.maintenance.versions import FILES_KEPT
from jobs.outcome import TableResult

PARALLEL = 2
# In which earlier versions staged rows.
FORMER = {f"staging.judged_{name}" for name in SOURCES} | {
    f"staging.gold_{name}" for name in (*GOLD, "slices")
}
LOG_KEPT = "delta.logRetentionDuration"


def run(lake: Lake) -> list[TableResult]:
    """Compact and vacuum every table, drop those of earlier versions, remove old pages. No row changes. Safe to repeat.

    Copies in Iceberg are maintained, too, where there are any.

    Beside a job that writes the same table, Delta lets one of the two commits win. Rows of a result: files that were
    merged into others, or runs whose pages were removed.

    Raises JobError with the tables that could not be maintained; the others have been.
    """
    options: Options = lake.settings.options
    problems: list[str] = []

    def maintain(table: Table) -> TableResult:
        try:
            return _maintain(lake, table)
        except PySparkException as error:
            problems.append(f"{table.full_name} ({str(error).splitlines()[0][:200]})")
            return TableResult(table.full_name, 0)

    found = _found(lake)
    with ThreadPoolExecutor(PARALLEL) as pool:
        results = list(pool.map(maintain, [table for name, table in TABLES.items() if name in found]))
    for name in sorted(found & FORMER):
        try:
            lake.spark.sql(f"DROP TABLE {lake.settings.schema('staging')}.`{name.removeprefix('staging.')}`")
        except PySparkException as error:
            problems.append(f"{name} ({str(error).splitlines()[0][:200]})")
    if catalog := catalogs.in_use(lake.settings.home):
        try:
            iceberg.maintain(lake, catalog, GOLD.values(), datetime.now(UTC) - timedelta(options.vacuum_days))
        except (JobError, UsageError) as error:
            problems.append(str(error))
    gone = remove_old_pages(lake.settings, datetime.now(UTC) - timedelta(options.docs_days))
    if problems:
        raise JobError(f"{len(problems)} of {len(results)} tables were not maintained: {'; '.join(problems)}")
    return [*results, TableResult("data docs", len(gone), {"runs": gone})]


def _found(lake: Lake) -> set[str]:
    """The tables and views that are there, `layer.name`."""
    schemas = {row[0] for row in lake.spark.sql(f"SHOW SCHEMAS IN `{lake.settings.catalog}`").collect()}
    return {
        f"{layer}.{row.tableName}"
        for layer in SCHEMAS
        if f"{lake.settings.prefix}{layer}" in schemas
        for row in lake.spark.sql(f"SHOW TABLES IN {lake.settings.schema(layer)}").collect()
    }


def _maintain(lake: Lake, table: Table) -> TableResult:
    name = lake.settings.table(table.full_name)
    described = lake.spark.sql(f"DESCRIBE DETAIL {name}")
    detail = described.select("numFiles", "clusteringColumns", "properties").collect()[0]
    # A clustered table is clustered by it: its owner chose the columns with ALTER TABLE … CLUSTER BY.
    clustered = list(detail.clusteringColumns or ())
    zorder = () if clustered else table.zorder
    removed = 0
    if (detail.numFiles or 0) > 1:
        optimize = _zorder(lake.spark, name, table, zorder) if zorder else f"OPTIMIZE {name}"
        removed = (
            lake.spark.sql(optimize).select("metrics.numFilesRemoved").collect()[0][0] if optimize else 0
        )
    _keep_versions(lake.spark, name, detail.properties or {}, lake.settings.options.vacuum_days)
    lake.spark.sql(f"VACUUM {name}").collect()
    by = {"clustered_by": clustered} if clustered else {"zordered_by": list(zorder)} if zorder else {}
    return TableResult(table.full_name, removed, {"files_before": detail.numFiles, **by})


def _keep_versions(spark: SparkSession, name: str, properties: Mapping[str, str], days: int) -> None:
    """Have a table's versions readable for so many days.

    Delta 4.4 goes by the table's properties alone: when it vacuums (RETAIN changes nothing), when it cleans up its
    log, and when it is asked for an older version.
    """
    kept = {key: f"interval {days} days" for key in (FILES_KEPT, LOG_KEPT)}
    if any(properties.get(key) != value for key, value in kept.items()):
        pairs = ", ".join(f"'{key}' = '{value}'" for key, value in kept.items())
        spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ({pairs})").collect()


def _zorder(spark: SparkSession, name: str, table: Table, columns: Sequence[str]) -> str:
    """Return the SQL that Z-orders the days whose rows are in several files; empty if there is none.

    Z-ordering is not idempotent: without the condition every week would write the whole table anew.
    """
    (partition,) = table.partition_by
    files = spark.table(name).select(partition, F.col("_metadata.file_path").alias("file")).distinct()
    scattered = files.groupBy(partition).count().where("count > 1").collect()
    days = [row[0] for row in scattered]
    by = ", ".join(f"`{column}`" for column in columns)
    return f"OPTIMIZE {name} WHERE {sql.dates(partition, days)} ZORDER BY ({by})" if days else ""
