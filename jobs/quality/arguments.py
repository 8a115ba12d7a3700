"""Arguments of `check`."""

from argparse import ArgumentParser
from dataclasses import dataclass

from jobs.cli import arguments as common

LAYERS = ("bronze", "silver", "gold")


@dataclass(frozen=True)
class Options:
    """What is checked."""

    layer: str

    @property
    def part(self) -> str:
        """Suffix of the step's name: the layer."""
        return self.layer


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the stage's arguments."""
    common.add_night(parser)
    common.add_tables(parser)
    parser.add_argument("--layer", choices=LAYERS, required=True, help="gold means the staged gold")
