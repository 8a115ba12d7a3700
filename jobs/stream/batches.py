"""Batches of a stream, and the checkpoint of which have been sent."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.tables import SOURCES
from jobs.errors import UsageError
from jobs.files import write_atomically
from jobs.generate.arguments import FIRST_NIGHT
from jobs.generate.values import Values
from jobs.stream import volume
from jobs.stream.arguments import DAY, MOST_ROWS_IN_MEMORY, Options
from jobs.stream.feeds import iot_events, live_sensors, transactions

COLUMNS = {"transactions": transactions.columns, "live_sensors": live_sensors.columns}
SECOND = 100_000  # numbers of rows that a second has room for
MOST_ROWS = 1_000_000  # in a batch on average, where no trigger interval is given


@dataclass(frozen=True)
class Batch:
    """A piece of a night's stream: from second `start` of the night (UTC) to before second `end`."""

    start: int
    end: int
    rows_per_second: int

    @property
    def name(self) -> str:
        """Its name within the night; in order of time."""
        return f"{self.start:05d}-{self.end:05d}"


def cut(stream: Options, position: int) -> Iterator[Batch]:
    """Yield the batches of a run that begins at a second of the night; none beyond its end."""
    rate = stream.rows_per_second
    step = stream.trigger or max(1, MOST_ROWS_IN_MEMORY.get(stream.source, MOST_ROWS) // rate)
    last = min(position + stream.duration, DAY)
    for start in range(position, last, step):
        yield Batch(start, min(start + step, last), rate)


def counts(source: str, night: date, batch: Batch, seed: int) -> list[int]:
    """Return how many rows each second of a batch has."""
    of_minutes = volume.minutes(source, seed, (night - FIRST_NIGHT).days)
    return [
        volume.rows_in(second, batch.rows_per_second, of_minutes) for second in range(batch.start, batch.end)
    ]


def rows_of(spark: SparkSession, source: str, night: date, batch: Batch, seed: int) -> DataFrame:
    """Return the rows of a batch, with the columns of the source.

    A row is identified by its second and its number within it, and is the same at any rate and in any batches.
    """
    index, counted = (night - FIRST_NIGHT).days, counts(source, night, batch, seed)
    if source == "iot_events":
        seconds = zip(range(batch.start, batch.end), counted, strict=True)
        numbered = [
            (second, second * SECOND + number) for second, count in seconds for number in range(count)
        ]
        return iot_events.rows_of(spark, night, seed, numbered)
    # As many partitions as there are cores. Each second has as many numbers as the one with most rows needs.
    most = max(1, *counted)
    count = volume.rows_in_sql("_second", batch.rows_per_second, volume.minutes(source, seed, index))
    numbers = spark.range(batch.start * most, batch.end * most).selectExpr(
        f"id div {most}L AS _second", f"id % {most}L AS _number", f"{count} AS _count"
    )
    rows = numbers.where("_number < _count").selectExpr(
        f"{index}L AS night_index",
        f"_second * {SECOND}L + _number AS row",
        f"unix_date(DATE'{night}') * {DAY}L + _second AS _second_at",
        "_number / double(_count) AS _within",  # how far into the second, from 0 to below 1
    )
    for name, (kind, expression) in COLUMNS[source](Values(seed, source)).items():
        rows = rows.withColumn(name, F.expr(f"CAST({expression} AS {kind})"))
    return rows.select(*SOURCES[source].fields)


@dataclass
class Checkpoint:
    """How far one night of a source has been sent to one sink, kept in a file.

    A batch is planned before it is sent and committed afterwards. A batch that a crash left unfinished is sent again
    unchanged, so that a sink can recognize it.
    """

    path: Path
    seed: int
    position: int = 0  # seconds of the night that have been sent
    planned: Batch | None = None

    @classmethod
    def read(cls, path: Path, seed: int) -> "Checkpoint":
        """Read a checkpoint, or return a new one. Raises UsageError when it was made with another seed."""
        if not path.exists():
            return cls(path, seed)
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["seed"] != seed:
            raise UsageError(
                f"this night has already been streamed there with seed {kept['seed']}, not {seed}; "
                "use the same seed, another night or another lake"
            )
        planned = Batch(**kept["planned"]) if kept["planned"] else None
        return cls(path, seed, kept["position"], planned)

    def plan(self, batch: Batch) -> None:
        """Save that a batch is about to be sent."""
        self.planned = batch
        self._write()

    def commit(self, batch: Batch) -> None:
        """Save that a batch has been sent."""
        self.position, self.planned = batch.end, None
        self._write()

    def _write(self) -> None:
        planned = asdict(self.planned) if self.planned else None
        kept = {"seed": self.seed, "position": self.position, "planned": planned}
        write_atomically(self.path, json.dumps(kept))
