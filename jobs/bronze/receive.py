"""Stage `receive`: land the messages that arrived in a source's topic since the last run, for `bronze`.

Every message becomes a landed line. Spark keeps the offsets and writes each message into drafts once; a complete
draft moves into the landing zone once.
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

MOST_MESSAGES = 1_000_000  # in a batch
LOST = ("KAFKA_DATA_LOSS", "may have been lost")  # in what Databricks and Spark say


def run(lake: Lake) -> list[TableResult]:
    """Land the messages that no earlier run has landed, one line each. Rows of a result: these lines.

    Raises UsageError when no connection string is configured, JobError when Kafka cannot be read.
    """
    options: Options = lake.settings.options
    source = SOURCES[options.source]
    drafts = lake.settings.home / "checkpoints/receive" / source.name / "drafts"
    _draft(lake.spark, source, kafka.broker(), drafts)
    landed = [
        str(draft.rename(_landing_path(lake.settings, source, draft)))
        for draft in _complete(drafts)
        if draft.exists()
    ]
    lines = lake.spark.read.text(landed).count() if landed else 0
    return [TableResult(f"landing.{source.name}", lines, {"files": len(landed)})]


def _draft(spark: SparkSession, source: Source, broker: kafka.Broker, drafts: Path) -> None:
    """Write all new messages into text files, in batches that Spark logs when they are complete."""
    messages = (
        spark.readStream.format("kafka")
        .options(**broker.options)
        .option("subscribe", source.name)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", MOST_MESSAGES)
        .load()
    )
    # A line break in JSON only separates tokens; a message must be one line.
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
    """Return the files of complete batches, in order; leftovers of a failed batch are not among them."""
    batches = (drafts / "_spark_metadata").glob("[0-9]*")
    entries = [json.loads(entry) for batch in batches for entry in batch.read_text().splitlines()[1:]]
    return sorted({drafts / Path(unquote(urlsplit(entry["path"]).path)).name for entry in entries})


def _landing_path(settings: Settings, source: Source, draft: Path) -> Path:
    folder = settings.landing / source.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{source.name}-received-{draft.stem}.json"
