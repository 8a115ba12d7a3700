"""Where a stream goes, a batch at a time.

Asked for the same batch again, a table and files have it once all the same; Kafka has it again, under the same keys.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.tables import SOURCES
from jobs import kafka, schema, store
from jobs.settings import Settings
from jobs.stream.batches import Batch
from jobs.stream.options import Stream

Sink = Callable[[DataFrame, Batch], None]


def sink_of(spark: SparkSession, settings: Settings, stream: Stream) -> tuple[str, Sink]:
    """What the sink is called, and a function that sends it a batch."""
    if stream.sink == "json":
        folder = settings.landing / stream.source
        return f"landing.{stream.source}", lambda rows, batch: drop(settings, stream, folder, rows, batch)
    if stream.sink == "kafka":
        broker = kafka.broker()
        return f"kafka.{stream.source}", lambda rows, _: kafka.send(rows, SOURCES[stream.source], broker)
    table = f"bronze.stream_{stream.source}"
    schema.ensure(spark, settings, [table])
    return table, lambda rows, batch: append(settings, table, rows, batch)


def append(settings: Settings, table: str, rows: DataFrame, batch: Batch) -> None:
    """Append a batch to a Delta table in one commit, once: the commit itself names the batch."""
    dated = rows.withColumn("_night", F.lit(settings.night))
    store.append(settings, table, dated, once=(f"{table}/{settings.night}", batch.end))


def drop(settings: Settings, stream: Stream, folder: Path, rows: DataFrame, batch: Batch) -> None:
    """Drop a batch into the landing zone as JSON files that appear whole; `bronze` takes them in.

    Drafts that are complete are never made anew, since some of them may have been dropped, and taken in.
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


def clear(settings: Settings, stream: Stream) -> None:
    """Remove the drafts of batches that are known to have been sent."""
    shutil.rmtree(_drafts(settings, stream), ignore_errors=True)


def _drafts(settings: Settings, stream: Stream) -> Path:
    return settings.landing / "_drafts" / stream.source / f"stream-{settings.night}"
