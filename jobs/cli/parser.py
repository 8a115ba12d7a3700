"""The parser of `python -m jobs`: the whole interface between the orchestrator and Spark."""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from importlib import import_module
from typing import NoReturn

from catalog.pipeline import STAGES, STEPS, Stage
from jobs.cli import arguments
from jobs.settings import Settings

# Commands, which are not stages. Name -> module with `add_arguments` and `run`, and purpose. The module is imported
# when the command is run, so that parsing needs nothing but Python.
COMMANDS = {
    "events-file": (
        "jobs.generate.events_file",
        "write a plain batch of IoT events as JSON lines; no Spark is needed",
    ),
    "query": ("jobs.report.query", "answer one of the demo queries about a night, as a table"),
    "history-of": (
        "jobs.maintenance.history_of",
        "list a table's versions: when, what was done, rows written, and which run of which night did it",
    ),
    "as-of": ("jobs.maintenance.as_of", "print a table's rows at a version, or as a night's run left them"),
    "restore": (
        "jobs.maintenance.restore",
        "restore a table, or one night's slice of it, to a version",
    ),
    "withdraw": (
        "jobs.maintenance.withdraw",
        "take a landed file back with all that came of it; the next run restates what it had changed",
    ),
    "export": (
        "jobs.maintenance.export",
        "copy a table's rows of one night or several into one CSV or Parquet file, or a gold table to Iceberg",
    ),
}
EXIT_STATUS = (
    "exit status: 0 done, 1 failed (a retry may help), 2 wrong usage, 3 data did not pass its contract"
)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2; the full usage is one --help away."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def build_parser(stage: str = "") -> argparse.ArgumentParser:
    """Build the parser of `python -m jobs`, with the arguments of one stage; the others are listed with their purposes.

    A command has a parser of its own.
    """
    by_hand = ", ".join(f"{step.stage} --layer {step.layer}" if step.layer else step.stage for step in STEPS)
    top = Parser(
        prog="python -m jobs",
        description="One stage of a night of the IoT lakehouse, or one command about its tables.",
        epilog=f"A night by hand: {by_hand}. SPARK_REMOTE names the Spark Connect server, sc://…; "
        f"`python3 -m embedded job STAGE …` sets it for this machine's stack. {EXIT_STATUS}.",
    )
    stages = top.add_subparsers(dest="stage", required=True, metavar="stage")
    for name, each in STAGES.items():
        about = f"{each.purpose}."
        own = stages.add_parser(name, help=each.purpose, description=about, epilog=EXIT_STATUS)
        if name == stage:
            _add_arguments(own, each)
    for name, (_, purpose) in COMMANDS.items():
        stages.add_parser(name, help=purpose)
    return top


def _add_arguments(parser: argparse.ArgumentParser, stage: Stage) -> None:
    if stage.arguments:
        import_module(stage.arguments).add_arguments(parser)
    else:
        arguments.add_night(parser)
        arguments.add_tables(parser)
    arguments.add_run_id(parser)
    arguments.add_location(parser)


def parse(argv: Sequence[str]) -> Settings:
    """Parse an argument list into settings; on an error, exit with 2 and one line."""
    read = build_parser(*argv[:1])
    given = vars(read.parse_args(argv))
    try:
        if module := STAGES[given["stage"]].arguments:
            kind = import_module(module).Options
            options = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
            # Some stages derive their tables from their options, or have none.
            given = {"tables": getattr(options, "tables", frozenset())} | given | {"options": options}
        return Settings(**given)
    except argparse.ArgumentTypeError as error:
        read.error(str(error))


def run_command(argv: Sequence[str]) -> None:
    """Run the command of COMMANDS that an argument list names; on an error in it, exit with 2 and one line."""
    name, *rest = argv
    module, purpose = COMMANDS[name]
    command = import_module(module)
    own = Parser(prog=f"python -m jobs {name}", description=f"{purpose}.", epilog=EXIT_STATUS)
    command.add_arguments(own)
    own.set_defaults(stage=name)
    command.run(own.parse_args(rest))
