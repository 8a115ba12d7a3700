"""Arguments of `backfill`: a range of nights, and the options of their simulation."""

from argparse import ArgumentParser

from jobs.cli import arguments as common
from jobs.generate import arguments as simulation

Options = simulation.Options


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the stage's arguments."""
    common.add_night(parser, "--from", "first", "the first day (UTC) to work on")
    common.add_night(parser, "--to", "night", "the last one")
    common.add_tables(parser)
    simulation.add_simulation(parser)
