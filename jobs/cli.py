"""The command line of the jobs: the whole interface between whoever orchestrates and Spark."""

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from catalog.pipeline import STAGES, STEPS
from catalog.tables import JSON_SOURCES, NAMES, OPTIONAL
from jobs import settings as checks
from jobs.arguments import add_night, add_place
from jobs.generate import fault_rates
from jobs.settings import FIRST_NIGHT, MAX_SCALE, MIN_SCALE, Settings
from jobs.stream import options as stream_options

# What is no stage of a night. Name -> module with `add_arguments` and `run`, and what it does. The module is
# loaded when the command is run: whoever asks about stages needs nothing but Python.
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
    "as-of": ("jobs.maintenance.as_of", "print what a table held at a version, or as a night's run left it"),
    "restore": (
        "jobs.maintenance.restore",
        "put a table, or one night's slice of it, back to what it held at a version",
    ),
    "export": (
        "jobs.maintenance.export",
        "copy a table's rows of one night or several into one CSV or Parquet file",
    ),
}
EXIT_STATUS = (
    "exit status: 0 done, 1 failed (a retry may help), 2 wrong usage, 3 data did not pass its contract"
)


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2; the full usage is one --help away."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def parser() -> argparse.ArgumentParser:
    """Build the parser of `python -m jobs`; a command has a parser of its own."""
    by_hand = ", ".join(f"{step.stage} --layer {step.layer}" if step.layer else step.stage for step in STEPS)
    top = Parser(
        prog="python -m jobs",
        description="One stage of one night of the IoT lakehouse.",
        epilog=f"A night by hand: {by_hand}. SPARK_REMOTE names the Spark Connect server, sc://…; "
        f"`python3 -m embedded job STAGE …` sets it for this machine's stack. {EXIT_STATUS}.",
    )
    stages = top.add_subparsers(dest="stage", required=True, metavar="stage")
    for name, stage in STAGES.items():
        about = f"{stage.purpose}."
        _add_stage(stages.add_parser(name, help=stage.purpose, description=about, epilog=EXIT_STATUS), name)
    for name, (_, purpose) in COMMANDS.items():
        stages.add_parser(name, help=purpose)
    return top


def _add_stage(stage: argparse.ArgumentParser, name: str) -> None:
    if name == "history":
        add_night(stage, "--from", "first", "the first day (UTC) to work on")
        add_night(stage, "--to", "night", "the last one")
    elif name == "stream":
        text = f"the day (UTC) on which the stream's events happen (default: {FIRST_NIGHT})"
        add_night(stage, "--night", "night", text, FIRST_NIGHT)
        stream_options.add_arguments(stage)
    elif name == "receive":
        _add_topic(stage)
    elif name == "maintain":
        _add_retention(stage)
    else:
        text = "the day (UTC) to work on; before:YYYY-MM-DD is the day before that one"
        add_night(stage, "--night", "night", text)
    stage.add_argument(
        "--run-id",
        type=checks.run_id,
        default="by-hand",
        metavar="ID",
        help="names this run in ops tables and pages",
    )
    add_place(stage)
    if name not in ("stream", "receive", "maintain"):
        stage.add_argument(
            "--tables",
            type=checks.selected_tables,
            default="",
            metavar="A,B",
            help=f"only these, what they read and what reads them; any of: {', '.join(NAMES)} "
            f"(default: all but {', '.join(OPTIONAL)} and what is made of them)",
        )
    if name in ("generate", "history"):
        stage.add_argument(
            "--scale",
            type=checks.scale,
            default=1.0,
            help=f"volume of the night, from {MIN_SCALE:g} to {MAX_SCALE:g}; 1.0 is about 200,000 rows "
            "(default: %(default)s)",
        )
    if name in ("generate", "history"):
        stage.add_argument(
            "--dirt",
            type=fault_rates.shares,
            default="",
            metavar="KIND=SHARE,…",
            help="what goes wrong with how many rows, where other than usual; usual is "
            + ",".join(f"{kind}={share:g}" for kind, share in fault_rates.USUAL.items()),
        )
    if name in ("generate", "history", "stream"):
        stage.add_argument(
            "--seed", type=checks.seed, default=42, help="another seed, other values (default: %(default)s)"
        )
    if name == "check":
        stage.add_argument(
            "--layer", choices=("bronze", "silver", "gold"), required=True, help="gold means the staged gold"
        )


def _add_topic(stage: argparse.ArgumentParser) -> None:
    stage.set_defaults(tables=frozenset())  # it writes no table
    _add_filing(stage)
    stage.add_argument(
        "--source",
        dest="received",
        choices=JSON_SOURCES,
        required=True,
        help="what is received, from the topic of the same name",
    )


def _add_filing(stage: argparse.ArgumentParser) -> None:
    text = "the day (UTC) to file the run under (default: yesterday)"
    add_night(stage, "--night", "night", text, checks.yesterday())


def _add_retention(stage: argparse.ArgumentParser) -> None:
    stage.set_defaults(tables=frozenset())  # tables are tended, whatever a night works on
    _add_filing(stage)
    stage.add_argument(
        "--vacuum-days",
        type=checks.vacuum_days,
        default=7,
        metavar="N",
        help="older versions of tables may become unreadable (default: %(default)s, which is the least)",
    )
    stage.add_argument(
        "--docs-days",
        type=checks.days,
        default=30,
        metavar="N",
        help="pages of runs that ended earlier go, but for those of a night's own run (default: %(default)s)",
    )


def parse(argv: Sequence[str]) -> Settings:
    """Turn an argument list into settings; exits with 2 and one line on what is wrong."""
    read = parser()
    arguments = vars(read.parse_args(argv))
    try:
        return Settings(**(stream_options.gather(arguments) if arguments["stage"] == "stream" else arguments))
    except argparse.ArgumentTypeError as error:
        read.error(str(error))


def run_command(argv: Sequence[str]) -> None:
    """Run the command of COMMANDS that an argument list names; exits with 2 and one line on what is wrong."""
    name, *rest = argv
    module, purpose = COMMANDS[name]
    command = import_module(module)
    own = Parser(prog=f"python -m jobs {name}", description=f"{purpose}.", epilog=EXIT_STATUS)
    command.add_arguments(own)
    own.set_defaults(stage=name)
    command.run(own.parse_args(rest))
