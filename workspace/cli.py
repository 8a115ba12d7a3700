"""The commands of `python -m workspace`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from targets import load_target

from workspace.client import Failed, Location, Refused, location_of
from workspace.deploy import deploy
from workspace.doctor import examine

if TYPE_CHECKING:
    from collections.abc import Sequence


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2; the full usage is one --help away."""
        self.exit(2, f"error: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit status is 0 all well, 1 something failed, 2 refused."""
    arguments = _parser().parse_args(argv)
    # The SDK's logs would only repeat at length what is printed.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    try:
        location = _location(arguments.target)
        if arguments.command == "doctor":
            return 0 if examine(location) else 1
        deploy(location, arguments.wheel)
    except Refused as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Failed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run it again to continue", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m workspace", description="A target's Databricks workspace.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="deploy|doctor")
    deployment = commands.add_parser("deploy", help="create schemas and volume, upload the jobs' wheel")
    doctor = commands.add_parser("doctor", help="check what a run will need, one line each; changes nothing")
    # `make deploy TARGET=…` hands its variable down in the environment: no shell ever reads it.
    target = os.environ.get("TARGET") or os.environ.get("LAKEHOUSE_TARGET")
    for command in (deployment, doctor):
        command.add_argument(
            "--target",
            default=target,
            help="a target of dags/targets.toml (default: $TARGET, else $LAKEHOUSE_TARGET)",
        )
    deployment.add_argument("--wheel", type=Path, help="upload this wheel (default: build one)")
    return parser


def _location(target: str | None) -> Location:
    if not target:
        raise Refused("which target? For example --target dev, or `make deploy TARGET=dev`")
    # Only a local target asks for it, and that one is refused for a better reason.
    os.environ.setdefault("LAKEHOUSE_HOME", "lake")
    try:
        return location_of(target, load_target(target))
    except ValueError as error:
        raise Refused(str(error)) from None
