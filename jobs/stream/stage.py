"""Stage `stream`: send what the last run left unfinished, then batch after batch, each when it is due."""

import logging
import time

from catalog.tables import SOURCES
from jobs import origin
from jobs.delta.lake import Lake
from jobs.outcome import TableResult
from jobs.stream.arguments import Options
from jobs.stream.batches import Batch, Checkpoint, counts, cut, rows_of
from jobs.stream.sinks import clear, sink_of

log = logging.getLogger("jobs")


def run(lake: Lake) -> list[TableResult]:
    """Send a piece of the night's stream, from where the last run ended. Rows of a result: those sent.

    Raises UsageError when the night has been streamed with another seed, for a source whose files the catalog
    describes, and for files to one that has files of its own.
    """
    stream: Options = lake.settings.options
    if stream.simulate is not None and stream.source not in stream.simulate:
        summary = f"nothing is streamed: SIMULATE does not name {stream.source}"
        return [TableResult("stream", 0, {"summary": summary})]
    origin.refuse_described([SOURCES[stream.source]])
    if stream.sink == "json":
        origin.refuse_mixture(lake.settings, [SOURCES[stream.source]])
    file = (
        lake.settings.home
        / "checkpoints/stream"
        / stream.source
        / stream.sink
        / f"{lake.settings.night}.json"
    )
    checkpoint = Checkpoint.read(file, stream.seed)
    name, send, detail = sink_of(lake, stream)

    def rows_in(batches: list[Batch]) -> int:
        return sum(sum(counts(stream.source, lake.settings.night, batch, stream.seed)) for batch in batches)

    def deliver(batch: Batch) -> None:
        send(rows_of(lake.spark, stream.source, lake.settings.night, batch, stream.seed), batch)
        checkpoint.commit(batch)
        clear(lake.settings, stream)

    if checkpoint.planned is None:
        clear(lake.settings, stream)
    unfinished = [checkpoint.planned] if checkpoint.planned else []
    for batch in unfinished:
        log.info("seconds %s were left unfinished; sending them first", batch.name)
        deliver(batch)
    batches = list(cut(stream, checkpoint.position))
    started = time.monotonic()
    for number, batch in enumerate(batches):
        wait = started + number * (stream.trigger or 0) - time.monotonic()
        time.sleep(max(0.0, wait))
        checkpoint.plan(batch)
        deliver(batch)
    took = time.monotonic() - started
    rows = rows_in(batches)
    log.info("%s rows in %d batches, %.0f rows a second", f"{rows:,}", len(batches), rows / max(took, 1e-9))
    rows += rows_in(unfinished)
    detail |= {"batches": len(batches), "second_of_night": checkpoint.position}
    return [TableResult(name, rows, detail)]
