"""Arguments of `receive`."""

from argparse import ArgumentParser
from dataclasses import dataclass

from catalog.tables import JSON_SOURCES
from jobs.cli import arguments as common


@dataclass(frozen=True)
class Options:
    """What is received."""

    source: str  # and the name of its topic


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the stage's arguments."""
    common.add_filing_night(parser)
    parser.add_argument(
        "--source",
        choices=JSON_SOURCES,
        required=True,
        help="what is received, from the topic of the same name",
    )
