"""The commands of `python3 -m embedded`."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from embedded.config import PROJECT, Config, read_config
from embedded.errors import DataRefused, Failed, Refused
from embedded.night import Night, Run
from embedded.preflight import preflight
from embedded.services import job_environment
from embedded.stack import Stack
from embedded.summary import shown, summary
from embedded.vault import USER, Vault


def main() -> int:
    """Run one command; its exit status is 0, 1 failed, 2 refused, 3 the data did not pass its contract."""
    try:
        if sys.argv[1:2] == ["job"]:
            return _job(read_config(), sys.argv[2:])
        arguments = _parser().parse_args()
        config = read_config(needs_target=arguments.command not in OF_WHAT_IS_UP)
        COMMANDS[arguments.command](config, arguments)
    except Refused as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Failed as error:
        print(f"error: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print(
            "\ninterrupted; the stack stays up (make stop), and so does a night that was started",
            file=sys.stderr,
        )
        return 130
    return 0


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all others here."""

    def error(self, message: str) -> NoReturn:
        """Raise Refused; the full usage is one --help away."""
        raise Refused(f"{message} (see {self.prog} --help)")


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python3 -m embedded", description="Spark and Airflow on this machine.")
    parser.epilog = "`python3 -m embedded job STAGE …` runs one stage by hand; `job --help` lists them."
    parser.add_argument(
        "command",
        choices=COMMANDS,
        metavar="|".join(COMMANDS),
        help="what `make help` says of each; `preflight` checks what a run needs, `up` starts Spark and Airflow alone",
    )
    for name, default, meaning in (
        ("night", "", "the UTC day, YYYY-MM-DD (default: yesterday)"),
        (
            "simulate",
            "",
            "the sources that are simulated: all, none or names, comma-separated (default: as when the "
            "stack was started, else all in a lake to which nobody has brought a file)",
        ),
        ("scale", "1.0", "how much data; 1 is about 200,000 rows (default: 1)"),
        ("seed", "42", "another seed, other values (default: 42)"),
        ("tables", "", "only these, comma-separated (default: all but the optional ones)"),
    ):
        # `make run NIGHT=…` hands its variables down in the environment: no shell ever reads them.
        parser.add_argument(f"--{name}", default=os.environ.get(name.upper()) or default, help=meaning)
    for name, needed in (
        ("tests", "what `make test` needs, too"),
        ("pipeline", "what `make pipeline` needs"),
    ):
        parser.add_argument(f"--for-{name}", action="store_true", help=f"preflight: check {needed}")
    parser.add_argument(
        "--full-refresh",
        action="store_true",
        help="pipeline: forget which files have been read, and begin anew",
    )
    return parser


def _night(arguments: argparse.Namespace) -> Night:
    """Return the night of the arguments, validated by the jobs' own parser. Raises Refused."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    night = _parsed(
        f"--night={arguments.night or yesterday.isoformat()}",
        f"--simulate={arguments.simulate}",
        f"--scale={arguments.scale}",
        f"--seed={arguments.seed}",
        f"--tables={arguments.tables}",
    )
    # Each once, as the form wants them.
    tables = list(dict.fromkeys(name for name in arguments.tables.split(",") if name))
    return Night(night, arguments.simulate, float(arguments.scale), int(arguments.seed), tables)


# In a process of its own: whatever the catalog says, the stack can be stopped.
PARSE = """
import sys
from catalog.reading import CatalogError
try:
    from jobs.cli.parser import parse
except CatalogError as error:
    sys.exit(f"the catalog is wrong: {error}")
print(parse(sys.argv[1:]).night)
"""
# What the parser says of `--scale` is about SCALE here.
OF_THE_PARSER = re.compile(r"python -m jobs generate: (?:argument --(\w+): )?(.*) \(see .*\)", re.DOTALL)


def _parsed(*argv: str) -> str:
    """Return the night of arguments of the jobs, as YYYY-MM-DD. Raises Refused for wrong ones, or a wrong catalog."""
    command = [sys.executable, "-c", PARSE, "generate", *argv]
    parsed = subprocess.run(command, check=False, capture_output=True, text=True, cwd=PROJECT)
    said = parsed.stderr.strip()
    if parsed.returncode and (found := OF_THE_PARSER.fullmatch(said)):
        raise Refused(": ".join(filter(None, [(found[1] or "").upper(), found[2]])))
    if parsed.returncode:
        raise Refused(said)
    return parsed.stdout.strip()


def _preflight(config: Config, arguments: argparse.Namespace) -> None:
    _night(arguments)
    preflight(config, for_tests=arguments.for_tests, for_pipeline=arguments.for_pipeline)


def _up(config: Config, arguments: argparse.Namespace) -> None:
    _preflight(config, arguments)
    _stack_up(config)


def _run(config: Config, arguments: argparse.Namespace) -> None:
    night = _night(arguments)
    preflight(config)
    run = Run(_stack_up(config), night)
    print(f"Night {night.night}, scale {night.scale:g}, seed {night.seed}: {config.url}", flush=True)
    started = time.monotonic()
    run.trigger()
    try:
        run.follow()
    except Failed:
        # Whoever has to find out why needs the figures and links most.
        print(summary(run), flush=True)
        raise
    print(f"  {'the night':<13}{time.monotonic() - started:6.1f} s")
    print(summary(run))


def _stop(config: Config, _: argparse.Namespace) -> None:
    stack = Stack(config)
    with stack.processes.alone():
        stopped = stack.down()
    print(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


def _status(config: Config, _: argparse.Namespace) -> None:
    for name, state in Stack(config).status().items():
        print(f"{name:<15}{state}")


def _job(config: Config, argv: list[str], package: str = "jobs") -> int:
    """Run one stage of the jobs by hand, on this stack's Spark; return the job's exit status."""
    if not config.spark_python.exists():
        raise Refused("the jobs environment is not there yet: `make setup` first")
    command = [str(config.spark_python), "-m", package, *argv]
    environment = job_environment(config, Vault(config.run_dir / "secrets"))
    return subprocess.run(command, check=False, cwd=PROJECT, env=environment).returncode


def _pipeline(config: Config, arguments: argparse.Namespace) -> None:
    """Land a night, and run the declarative pipeline on all that has landed."""
    if not config.runs_spark:
        raise Refused(
            f"LAKEHOUSE_TARGET={config.target} is on Databricks: there `databricks bundle run` runs it"
        )
    night = _night(arguments)
    stack = Stack(config)
    # Two would end each other's jobs, as a retry does with those of the attempt before it.
    with stack.processes.only("pipeline"):
        preflight(config, for_pipeline=True)
        with stack.processes.alone():
            stack.up_spark()
        _land_and_declare(config, night, arguments.full_refresh)
    print(f"gold of the pipeline: {os.path.relpath(config.home)}/warehouse/pipeline_gold.db")


def _land_and_declare(config: Config, night: Night, full_refresh: bool) -> None:
    tables = f"--tables={','.join(night.tables)}"
    simulated = [f"--simulate={night.simulate}", f"--scale={night.scale}", f"--seed={night.seed}"]
    # No query moves files, sets them aside or unpacks them: that is the jobs' bronze.
    for stage, given in (("generate", simulated), ("bronze", [])):
        _succeed(config, [stage, f"--night={night.night}", "--run-id=pipeline", tables, *given], "jobs")
    _succeed(config, [tables, *(["--full-refresh"] if full_refresh else [])], "pipelines")


def _succeed(config: Config, argv: list[str], package: str) -> None:
    if status := _job(config, argv, package):
        kind = {2: Refused, 3: DataRefused}.get(status, Failed)
        raise kind(f"`python -m {package} {argv[0]}` did not succeed: see above")


def _password(config: Config, _: argparse.Namespace) -> None:
    print(Vault(config.run_dir / "secrets").ui_password())


def _stack_up(config: Config) -> Stack:
    started = time.monotonic()
    stack = Stack(config)
    print("Bringing up Spark and Airflow", flush=True)
    with stack.processes.alone():
        fresh = stack.up()
    took = f"up after {time.monotonic() - started:.0f} s" if fresh else "were up already"
    print(f"  {took}: {config.url}, user {USER}, logs in {shown(config, 'logs')}", flush=True)
    return stack


COMMANDS = {
    "preflight": _preflight,
    "run": _run,
    "up": _up,
    "pipeline": _pipeline,
    "stop": _stop,
    "status": _status,
    "password": _password,
}
# Whatever became of the file of targets since, what was started with it can be looked at and stopped.
OF_WHAT_IS_UP = ("stop", "status", "password")
