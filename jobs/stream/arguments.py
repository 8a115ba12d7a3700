"""Arguments of `stream`: which source, how fast, how long and to which sink."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass

from catalog.tables import STREAMED, selection
from jobs.cli import arguments as common
from jobs.generate.arguments import FIRST_NIGHT, add_seed, add_simulate, night

SINKS = ("delta", "json", "kafka")
MOST_ROWS_PER_SECOND = 50_000  # ids of a second leave room for twice these
MOST_ROWS_IN_MEMORY = {"iot_events": 50_000}  # of a batch of events that are made in plain Python
DAY = 86_400
UNITS = {"s": 1, "m": 60, "h": 3600}
AVAILABLE_NOW = "available-now"


@dataclass(frozen=True)
class Options:
    """What is streamed: source, rate, duration and sink.

    Raises ArgumentTypeError when a batch of this source would have more rows than fit in memory.
    """

    source: str
    rows_per_second: int
    trigger: int | None  # seconds between batches; None: everything at once
    duration: int  # seconds of the stream
    sink: str
    max_records_per_file: int
    seed: int = 42
    simulate: frozenset[str] | None = None  # sources; None for whatever is streamed

    def __post_init__(self) -> None:
        most = MOST_ROWS_IN_MEMORY.get(self.source)
        if most and (self.trigger or 0) * self.rows_per_second > most:
            raise ArgumentTypeError(
                f"a batch of {self.source} has at most {most} rows, and {self.trigger} seconds of "
                f"{self.rows_per_second} rows are more; take a shorter --trigger or fewer --rows-per-second"
            )

    @property
    def part(self) -> str:
        """Suffix of the step's name: the source."""
        return self.source

    @property
    def tables(self) -> frozenset[str]:
        """The tables that the stage works on."""
        return selection([self.source])


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the stage's arguments."""
    text = f"the day (UTC) on which the stream's events happen (default: {FIRST_NIGHT})"
    common.add_night(parser, text=text, default=FIRST_NIGHT, kind=night)
    add_seed(parser)
    add_simulate(
        parser,
        "nothing is streamed of a source that is not among these (default: $LAKEHOUSE_SIMULATE, else all)",
    )
    parser.add_argument("--source", choices=STREAMED, required=True, help="what is streamed")
    parser.add_argument(
        "--rows-per-second",
        type=rows_per_second,
        default=100,
        metavar="N",
        help="rows in each second of the stream; of transactions on average over a day, with more in business hours "
        f"and bursts (default: %(default)s, at most {MOST_ROWS_PER_SECOND})",
    )
    parser.add_argument(
        "--trigger",
        type=trigger,
        default=AVAILABLE_NOW,
        metavar=f"{AVAILABLE_NOW}|10s",
        help="10s: a batch every 10 seconds, with the rows of 10 seconds; available-now: everything at once, "
        "without waiting (default)",
    )
    parser.add_argument(
        "--for",
        dest="duration",
        type=seconds,
        default="60s",
        metavar="60s",
        help="how long a piece of the stream, as 60s, 5m or 1h (default: %(default)s); it begins where the one "
        "before ended, and the night ends it",
    )
    parser.add_argument(
        "--sink",
        choices=SINKS,
        default="json",
        help="a Delta table, files in the landing zone, or Kafka (default: %(default)s)",
    )
    parser.add_argument(
        "--max-records-per-file",
        type=rows_per_file,
        default=10_000,
        metavar="N",
        help="rows of a JSON file (default: %(default)s)",
    )


def rows_per_second(text: str) -> int:
    """Parse a rate: an integer from 1 to MOST_ROWS_PER_SECOND."""
    return _integer(text, MOST_ROWS_PER_SECOND)


def rows_per_file(text: str) -> int:
    """Parse a file's size in rows: an integer from 1 to 10 million."""
    return _integer(text, 10_000_000)


def trigger(text: str) -> int | None:
    """Parse a trigger: seconds between batches, at most an hour; None for `available-now`."""
    if text == AVAILABLE_NOW:
        return None
    try:
        interval = seconds(text)
    except ArgumentTypeError:
        interval = 0
    if not 0 < interval <= UNITS["h"]:
        raise ArgumentTypeError(f"{text[:40]!r} is neither {AVAILABLE_NOW} nor a time like 10s, at most 1h")
    return interval


def seconds(text: str) -> int:
    """Parse a time such as 60s, 5m or 1h: at least a second, at most a day."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([smh])", text)
    value = int(found[1]) * UNITS[found[2]] if found else 0
    if not 0 < value <= DAY:
        raise ArgumentTypeError(f"{text[:40]!r} is not a time like 60s, 5m or 1h, at most a day")
    return value


def _integer(text: str, most: int) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,9}", text) or int(text) > most:
        raise ArgumentTypeError(f"{text[:40]!r} is not an integer from 1 to {most}")
    return int(text)
