"""The staged slices of gold, `staging.gold_slices`: which slices of which gold table each run has built.

The only module that reads or writes that table; `jobs.state` says what becomes of a slice.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.tables import SLICES
from jobs.delta import sql
from jobs.delta.frames import is_in
from jobs.delta.lake import Lake
from jobs.errors import JobError

TABLE = SLICES.full_name

Slices = Mapping[str, Sequence[date]]  # gold table -> its slices


def is_replaced(lake: Lake) -> Column:
    """Whether this run's staging replaces what a run has staged, by `run_id`: its own, and what is published."""
    published = lake.read(TABLE).where("published_at IS NOT NULL")
    finished = {row.run_id for row in published.select("run_id").distinct().collect()}
    return is_in("run_id", {lake.settings.run_id, *finished})


def stage(lake: Lake, slices: Slices, staged_at: str, replaced: Column) -> None:
    """Keep which slices this run has staged, and at which moment (UTC) it began to read silver for them."""
    # The empty slice says that the table was built even when nothing of it was touched.
    rows = [(name, slice_, lake.settings.run_id) for name, days in slices.items() for slice_ in (None, *days)]
    kept = lake.spark.createDataFrame(rows, "table STRING, slice DATE, run_id STRING").withColumns(
        {
            "staged_at": F.lit(staged_at).cast("timestamp"),
            "published_at": F.lit(None).cast("timestamp"),
        }
    )
    lake.replace_where(TABLE, kept, replaced)


def staged(lake: Lake) -> tuple[dict[str, list[date]], str]:
    """Slices by gold table that this run has staged and no later one has published, and when it staged them (UTC).

    Raises JobError when there are none.
    """
    of_run = lake.read(TABLE).where(F.col("run_id") == lake.settings.run_id)
    rows = of_run.withColumn("staged_at", F.col("staged_at").cast("string")).collect()
    if not rows:
        raise JobError(
            f"run {lake.settings.run_id} has staged nothing, or another has cleared it away since it was published; "
            "run `gold` and `check --layer gold` first"
        )
    slices = {
        table.name: [row.slice for row in rows if row.table == table.name and row.slice]
        for table in lake.settings.gold
    }
    return slices, rows[0].staged_at


def publish(lake: Lake, slices: Slices, staged_at: str) -> None:
    """Mark this run's slices as published; those that older runs have staged of the same are superseded."""
    name = lake.settings.table(TABLE)
    these = " OR ".join(
        f"(`table` = '{table}' AND {sql.dates('slice', days)})" for table, days in slices.items()
    )
    # What an older run has staged of these slices knows less of silver and must not come after.
    lake.spark.sql(
        f"DELETE FROM {name} WHERE run_id <> '{lake.settings.run_id}' AND staged_at < '{staged_at}' AND ({these})"
    )
    lake.spark.sql(
        f"UPDATE {name} SET published_at = current_timestamp() WHERE run_id = '{lake.settings.run_id}'"
    )
