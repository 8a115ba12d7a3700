"""Stage `receive`: what came to a source's topic since the last run, into the landing zone, for `bronze`.

From there on it is a feed like any other: every message is a line, and every line has one fate. Spark keeps the
offsets and writes each message into drafts once; a draft that is complete moves into the landing zone, once.
"""

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from catalog.tables import SOURCES, Source
from jobs import kafka
from jobs.bronze.arguments import Options
from jobs.delta.lake import Lake
from jobs.outcome import TableResult
from jobs.settings import Settings

MOST_MESSAGES = 1_000_000  # of a batch
LOST = ("KAFKA_DATA_LOSS", "may have been lost")  # in what Databricks and Spark say


def run(lake: Lake) -> list[TableResult]:
    """Land the messages that no earlier run has landed, a line each. Rows of a result: these lines.

    Raises UsageError when nothing says where Kafka is, JobError when it does not give its messages.
    """
    options: Options = lake.settings.options
    source = SOURCES[options.source]
    drafts = lake.settings.home / "checkpoints/receive" / source.name / "drafts"
    _draft(lake.spark, source, kafka.broker(), drafts)
    landed = [
        str(draft.rename(_place(lake.settings, source, draft)))
        for draft in _complete(drafts)
        if draft.exists()
    ]
    lines = lake.spark.read.text(landed).count() if landed else 0
    return [TableResult(f"landing.{source.name}", lines, {"files": len(landed)})]


def _draft(spark: SparkSession, source: Source, broker: kafka.Broker, drafts: Path) -> None:
    """Write all messages that are new into text files, in batches that Spark notes when they are complete."""
    messages = (
        spark.readStream.format("kafka")
        .options(**broker.options)
        .option("subscribe", source.name)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", MOST_MESSAGES)
        .load()
    )
    # A line break in JSON is a blank between two tokens; a message is to be one line.
    line = F.regexp_replace(F.col("value").cast("string"), r"[\r\n]+", " ")
    query = messages.select(line.alias("line")).where(F.trim("line") != "").writeStream.format("text")
    query = query.option("checkpointLocation", str(drafts.parent / "offsets")).trigger(availableNow=True)
    try:
        query.start(str(drafts)).awaitTermination()
    except PySparkException as error:
        if any(sign in str(error) for sign in LOST):
            raise kafka.refusal(
                f"of topic {source.name} has deleted messages that no run received; to begin anew with those "
                f"that are left, remove the folder {drafts.parent}",
                broker,
            ) from None
        raise kafka.refusal(f"did not give topic {source.name}", broker, error) from None


def _complete(drafts: Path) -> list[Path]:
    """The files of batches that were completed, in order; what is left of one that failed is not among them."""
    notes = (drafts / "_spark_metadata").glob("[0-9]*")
    entries = [json.loads(entry) for note in notes for entry in note.read_text().splitlines()[1:]]
    return sorted({drafts / Path(unquote(urlsplit(entry["path"]).path)).name for entry in entries})


def _place(settings: Settings, source: Source, draft: Path) -> Path:
    folder = settings.landing / source.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{source.name}-received-{draft.stem}.json"
