"""Whether Spark compiles a step's queries or interprets them: for few rows, compiling takes longer than it saves.

Of a query over tens of columns Spark writes tens of kilobytes of Java, which it compiles and then the JVM, for every
night anew since dates stand in it. What that costs does not depend on the rows; what it saves does.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from catalog.run_result import DONE
from jobs.delta.lake import Lake
from jobs.session import on_databricks
from jobs.settings import BY_HAND, Settings
from jobs.state import run_results

# Of a source, on average: from so much on, compiling pays; docs/decisions/2026-12-01-interpreted-queries.md.
ROWS, BYTES = 75_000, 16 * 2**20
# Steps with wide queries over what a night has landed, but silver, which finds out what else is pending.
AFTER_BRONZE = ("check_bronze", "check_silver", "report")
FOR_FEW_ROWS = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # Planned once, not again after each part of a query; and in one part, where there are rows for one.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.files.minPartitionNum": "1",
    "spark.sql.leafNodeDefaultParallelism": "1",
    "spark.sql.shuffle.partitions": "1",
}


@contextmanager
def interpreted(lake: Lake, *, are_few: bool) -> Iterator[None]:
    """Have the session interpret queries meanwhile if they are about few rows. Databricks decides for itself."""
    if on_databricks() or not are_few:
        yield
        return
    conf = lake.spark.conf
    before = conf.getAll
    for name, value in FOR_FEW_ROWS.items():
        conf.set(name, value)
    yield
    # Not after an error, with which the job ends: its server may be gone.
    for name in FOR_FEW_ROWS:
        # Unset, a setting is Spark's own again, and not the server's.
        conf.set(name, before[name]) if name in before else conf.unset(name)


def pays_to_interpret(settings: Settings) -> bool:
    """Whether a step is known to have wide queries and, on average of its sources, few rows.

    Known is what lies there before bronze, and after it what this run's bronze has read: not by hand, when that may
    have been long ago. On Databricks nobody asks.
    """
    if on_databricks():
        return False
    if settings.step == "bronze":
        return are_few([_size(settings, source.name) for source in settings.sources], BYTES)
    return settings.step in AFTER_BRONZE and are_few(_read_by_bronze(settings).values())


def are_few(amounts: Collection[int], pays: int = ROWS) -> bool:
    """Whether it is known how much sources have and, on average, that is less than what pays to be compiled."""
    return bool(amounts) and sum(amounts) < pays * len(amounts)


def _read_by_bronze(settings: Settings) -> Mapping[str, int]:
    """Table of bronze -> rows that this run has read into it."""
    try:
        of_run = [] if settings.run_id == BY_HAND else run_results.of_night(settings)
    except (OSError, ValueError):  # a damaged one is for those to name who need it
        return {}
    return {
        table.table: table.rows
        for result in of_run
        if result.stage == "bronze" and result.status == DONE
        for table in result.tables
    }


def _size(settings: Settings, source: str) -> int:
    """Bytes of the files of a source that are loose or in the folders of the settings' nights."""
    own, size = {f"arrived={night}" for night in settings.nights}, 0
    for root, folders, names in os.walk(settings.landing / source):
        folders[:] = [name for name in folders if name in own or not name.startswith(("_", ".", "arrived="))]
        for name in names:
            with suppress(OSError):  # somebody takes it away
                size += Path(root, name).lstat().st_size
    return size
