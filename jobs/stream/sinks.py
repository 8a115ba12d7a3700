"""Sinks of a stream, which are sent one batch at a time.

A batch that is sent again is in a table or in files only once; in Kafka it is there again, under the same keys.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import SOURCES
from jobs import kafka
from jobs.delta.lake import Lake
from jobs.settings import Settings
from jobs.stream.arguments import Options
from jobs.stream.batches import Batch

Sink = Callable[[DataFrame, Batch], None]


def sink_of(lake: Lake, stream: Options) -> tuple[str, Sink, dict[str, object]]:
    """Return the sink's name in run results, the function that sends it a batch, and the detail for run results."""
    if stream.sink == "json":
        # Simulated files come in on their simulated night.
        folder = lake.settings.landing / stream.source / f"arrived={lake.settings.night}"

        def land(rows: DataFrame, batch: Batch) -> None:
            deliver(lake.settings, stream, folder, rows, batch)

        return f"landing.{stream.source}", land, {}
    if stream.sink == "kafka":
        broker = kafka.broker()

        def send(rows: DataFrame, _: Batch) -> None:
            kafka.send(rows, SOURCES[stream.source], broker)

        return f"kafka.{stream.source}", send, {"broker": broker.address}
    table = f"bronze.stream_{stream.source}"
    lake.ensure([table])
    return table, lambda rows, batch: append(lake, table, rows, batch), {}


def append(lake: Lake, table: str, rows: DataFrame, batch: Batch) -> None:
    """Append a batch to a Delta table in one commit, and never twice: the commit identifies the batch."""
    night = lake.settings.night
    lake.append(table, rows.withColumn("_night", F.lit(night)), once=(f"{table}/{night}", batch.end))


def deliver(settings: Settings, stream: Options, folder: Path, rows: DataFrame, batch: Batch) -> None:
    """Deliver a batch to the landing zone as JSON files that appear whole; `bronze` reads them.

    Complete drafts are never written again, since some of them may have been delivered, and read.
    """
    drafts = _drafts(settings, stream) / batch.name
    if not (drafts / "_SUCCESS").exists():
        rows.write.mode("overwrite").option("maxRecordsPerFile", stream.max_records_per_file).option(
            "timestampFormat", "yyyy-MM-dd HH:mm:ss.SSS"
        ).json(str(drafts))
    folder.mkdir(parents=True, exist_ok=True)
    for draft in sorted(drafts.glob("part-*.json")):
        if draft.stat().st_size == 0:
            continue  # of a task without rows
        # Spark numbers tasks and their files; a count of the drafts would begin anew after a crash.
        number = re.sub(r"^part-(\d+)-.*-c(\d+)\.json$", r"\1-\2", draft.name)
        draft.replace(folder / f"{stream.source}-{settings.night}-{batch.name}-{number}.json")


def clear(settings: Settings, stream: Options) -> None:
    """Remove the drafts of batches that have been sent."""
    shutil.rmtree(_drafts(settings, stream), ignore_errors=True)


def _drafts(settings: Settings, stream: Options) -> Path:
    return settings.landing / "_drafts" / stream.source / f"stream-{settings.night}"
