"""`python -m pipelines`: run the pipeline on the Spark Connect server that SPARK_REMOTE names."""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pyspark.errors import PySparkException

from catalog import location
from catalog.lock import held
from catalog.tables import SCHEMAS
from jobs import session
from jobs.cli.arguments import add_location, selected_tables
from jobs.cli.parser import Parser
from jobs.delta import schema
from jobs.delta.lake import Lake
from jobs.errors import JobError, UsageError
from jobs.hidden_modules import hide
from jobs.outcome import Outcome
from pipelines.settings import NAMES, settings

DEFINITIONS = Path(__file__).with_name("lakehouse.py")
SPEC = "spark-pipeline.yml"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the pipeline; return its exit status: 0 done, 1 failed, 2 wrong usage.

    Why a flow failed, such as a row that broke its contract, stands in what the run prints.
    """
    hide("sqlalchemy")
    arguments = _parser().parse_args(argv)
    try:
        _run({name: str(getattr(arguments, name)) for name in NAMES}, arguments.full_refresh)
    except (JobError, UsageError, OSError, PySparkException) as error:
        outcome = Outcome.of(error)
        print(f"pipeline: {outcome.message}", file=sys.stderr)
        return outcome.code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m pipelines", description=__doc__, epilog="exit status: 0 done, 1 failed, 2 wrong usage"
    )
    add_location(parser)
    parser.add_argument(
        "--tables", type=_tables, default="", metavar="A,B", help="only these, as of the jobs"
    )
    parser.add_argument(
        "--full-refresh", action="store_true", help="forget which files have been read, and begin anew"
    )
    return parser


def _tables(text: str) -> str:
    selected_tables(text)
    return text


def _run(given: dict[str, str], full_refresh: bool) -> None:
    wanted = settings(given)
    if moved := location.objection(wanted.home):
        raise UsageError(moved)
    folder = wanted.home / "checkpoints" / "pipeline"
    with _alone(folder):
        _refresh(given, folder, full_refresh)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no other pipeline work in this lake meanwhile. Raises UsageError while another does.

    They would write the same tables from the same checkpoints, and connecting alone ends the other's session.
    """
    with held(folder / "lock") as is_only:
        if not is_only:
            raise UsageError(f"another pipeline is at work in {folder.parents[1]}: wait until it has ended")
        yield


def _refresh(given: dict[str, str], folder: Path, full_refresh: bool) -> None:
    wanted = settings(given)
    lake = Lake(session.connect(wanted), wanted)
    for layer in SCHEMAS:
        schema.ensure_schema(lake, layer)
    # Imported when used, for what Great Expectations takes to import, and YAML for the client.
    from pyspark.pipelines import cli

    from pipelines.datasets import stream_of

    lake.ensure(f"bronze.{source.name}" for table in wanted.gold if (source := stream_of(table)))
    spec = _written(given, folder)
    # What `spark-pipelines run` does, without the JVM that it starts to find out that Spark is elsewhere.
    cli.run(spec_path=spec, full_refresh=[], full_refresh_all=full_refresh, refresh=[], dry=False)


def _written(given: dict[str, str], folder: Path) -> Path:
    """Write the pipeline's specification, and its definitions beside it, where Spark looks for them."""
    shutil.copy(DEFINITIONS, folder / DEFINITIONS.name)
    wanted = settings(given)
    spec = {
        "name": "iot_lakehouse",
        "storage": f"file://{folder}",
        "catalog": wanted.catalog,
        "database": f"{wanted.prefix}gold",
        # Tables are Delta's by this: of one that says so itself, the next run would set it again, which Delta refuses.
        "configuration": {"spark.sql.sources.default": "delta", "spark.sql.session.timeZone": "UTC"}
        | {f"lakehouse.{name}": text for name, text in given.items()},
        "libraries": [{"glob": {"include": DEFINITIONS.name}}],
    }
    file = folder / SPEC
    # Which is YAML, too.
    file.write_text(json.dumps(spec, indent=1))
    return file


if __name__ == "__main__":
    sys.exit(main())
