"""Command `events-file`: write events with an object of changing keys to one plain file, without Spark."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from jobs.errors import JobError, UsageError
from jobs.files import write_lines
from jobs.generate import arguments as simulation
from jobs.generate import event_pools
from jobs.generate.feeds.iot_events import event, file_name
from jobs.generate.python_delivery import text

MOST = 10_000_000


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="PATH",
        help="the file; in a folder that exists, iot_events_YYYYMMDD_HHMMSS.json",
    )
    parser.add_argument("--count", type=_count, required=True, help=f"events; at most {MOST:,}")
    simulation.add_seed(parser)
    parser.add_argument(
        "--night",
        type=simulation.night,
        default=simulation.FIRST_NIGHT,
        metavar="YYYY-MM-DD",
        help="the day (UTC) on which the events happen (default: %(default)s); `generate` makes the same "
        "ones for a night of the same seed",
    )
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="TOML; replaces keys of jobs/generate/feeds/iot_events.toml",
    )
    for end in ("min", "max"):
        parser.add_argument(
            f"--{end}-keys", type=_count, metavar="N", help=f"{end}imum number of keys in json_column"
        )


def run(arguments: Namespace) -> None:
    """Write the file, whole or not at all. Raises UsageError and JobError."""
    drawn_from = event_pools.load(
        arguments.settings, min_keys=arguments.min_keys, max_keys=arguments.max_keys
    )
    try:
        path = _target(arguments.out, file_name(arguments.night))
        index = (arguments.night - simulation.FIRST_NIGHT).days
        rows = (event(arguments.seed, index, row, drawn_from) for row in range(arguments.count))
        write_lines(path, map(text, rows))
    except OSError as error:
        raise JobError(f"cannot write {arguments.out}: {error.strerror}") from None
    print(path)


def _target(out: Path, name: str) -> Path:
    path = out / name if out.is_dir() else out
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}")
    return path


def _count(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) < 10 and 0 < int(given) <= MOST):
        raise ArgumentTypeError(f"{given[:40]!r} is not an integer from 1 to {MOST:,}")
    return int(given)
