"""Stage `receive`: land the messages that arrived in a source's topic since the last run, for `bronze`.

Every message becomes a landed line, one with several records a line each. Spark keeps the offsets and writes each
message into drafts once; a complete draft is landed once.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from catalog.tables import SOURCES, Source
from jobs import kafka, origin
from jobs.bronze.arguments import Options
from jobs.bronze.json_records import lines_of
from jobs.delta.lake import Lake
from jobs.errors import UsageError
from jobs.files import write_lines
from jobs.outcome import TableResult

MOST_MESSAGES = 1_000_000  # in a batch
BREAK = "\x1e"  # a line break of a message, while it is a line of a draft
LOST = ("KAFKA_DATA_LOSS", "may have been lost")  # in what Databricks and Spark say


def run(lake: Lake) -> list[TableResult]:
    """Land the messages that no earlier run has landed, a line a record. Rows of a result: these lines.

    Raises UsageError when no connection string is configured or the source is simulated, JobError when Kafka cannot
    be read.
    """
    options: Options = lake.settings.options
    source = SOURCES[options.source]
    if origin.is_simulated(lake.settings, source):
        raise UsageError(
            f"{source.name} is simulated in this lake; receive it in another (LAKEHOUSE_HOME=…) that does not "
            f"simulate {source.name} (SIMULATE=…)"
        )
    drafts = lake.settings.home / "checkpoints/receive" / source.name / "drafts"
    broker = kafka.broker()
    _draft(lake.spark, source, broker, drafts)
    folder = lake.settings.landing / source.name
    landed = [*_land([draft for draft in _complete(drafts) if draft.exists()], folder, source)]
    detail = {"files": len(landed), "broker": broker.address}
    return [TableResult(f"landing.{source.name}", sum(landed), detail)]


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
    # A message must be one line of a draft; no text of JSON has this character in it. A pattern would replace what is
    # no UTF-8.
    line = F.col("value").cast("string")
    for end in "\r\n":
        line = F.replace(line, F.lit(end), F.lit(BREAK))
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


def _land(drafts: list[Path], folder: Path, source: Source) -> Iterator[int]:
    """Land drafts as files, a record a line; yield the lines of each file.

    A file is whole, but ignored by its name, before its draft goes, and appears after that: whatever a killed run left
    is made good by the next, and no message is landed twice.
    """
    name = f"{source.name}-received-{{}}.jsonl"
    for draft in drafts:
        with draft.open(encoding="utf-8", errors="surrogateescape", newline="\n") as messages:
            texts = (message.replace(BREAK, "\n") for message in messages)
            lines = (line for text in texts for line in lines_of(text, is_senml=source.senml))
            write_lines(folder / f".{name.format(draft.stem)}", lines)
        draft.unlink()
    for whole in sorted(folder.glob(f".{name.format('*')}")):
        with whole.open("rb") as file:
            landed = sum(1 for _ in file)
        whole.rename(whole.with_name(whole.name.removeprefix(".")))
        yield landed
