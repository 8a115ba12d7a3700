"""What `history` takes: a range of nights, and what they are simulated with."""

from argparse import ArgumentParser

from jobs.cli import arguments as common
from jobs.generate import arguments as simulation

Options = simulation.Options


def add_arguments(parser: ArgumentParser) -> None:
    """Declare what the stage takes."""
    common.add_night(parser, "--from", "first", "the first day (UTC) to work on", kind=simulation.night)
    common.add_night(parser, "--to", "night", "the last one", kind=simulation.night)
    common.add_tables(parser)
    simulation.add_simulation(parser)
