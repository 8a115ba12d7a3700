"""What `stream` takes beside the arguments of every stage, checked."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import dataclass, fields
from typing import Any

from catalog.tables import STREAMED, selection

SINKS = ("delta", "json", "kafka")
MOST_ROWS_PER_SECOND = 50_000  # ids of a second leave room for twice these
MOST_ROWS_IN_MEMORY = {"iot_events": 50_000}  # of a batch of events that are made in plain Python
DAY = 86_400
UNITS = {"s": 1, "m": 60, "h": 3600}
AVAILABLE_NOW = "available-now"


@dataclass(frozen=True)
class Stream:
    """How fast, how long and where to one source is streamed."""

    source: str
    rows_per_second: int
    trigger: int | None  # seconds between batches; None: everything at once
    duration: int  # seconds of the stream
    sink: str
    max_records_per_file: int


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what the stage takes."""
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
        type=records,
        default=10_000,
        metavar="N",
        help="rows of a JSON file (default: %(default)s)",
    )


def gather(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments of the command line as fields of the settings: those of the stream become one.

    Raises ArgumentTypeError when a batch would have more rows than can be made of its source at once.
    """
    stream = Stream(**{field.name: arguments.pop(field.name) for field in fields(Stream)})
    most = MOST_ROWS_IN_MEMORY.get(stream.source)
    if most and (stream.trigger or 0) * stream.rows_per_second > most:
        raise ArgumentTypeError(
            f"a batch of {stream.source} has at most {most} rows, and {stream.trigger} seconds of "
            f"{stream.rows_per_second} rows are more; take a shorter --trigger or fewer --rows-per-second"
        )
    return {**arguments, "stream": stream, "tables": selection([stream.source])}


def rows_per_second(text: str) -> int:
    """Parse a rate: a whole number from 1 to MOST_ROWS_PER_SECOND."""
    return _whole(text, MOST_ROWS_PER_SECOND)


def records(text: str) -> int:
    """Parse a file's size in rows: a whole number from 1 to 10 million."""
    return _whole(text, 10_000_000)


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


def _whole(text: str, most: int) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,9}", text) or int(text) > most:
        raise ArgumentTypeError(f"{text[:40]!r} is not a whole number from 1 to {most}")
    return int(text)
