"""What the pipeline works on, from its configuration: `lakehouse.home`, `.catalog`, `.prefix` and `.tables`."""

from collections.abc import Mapping

from pyspark.sql import SparkSession

from jobs.cli import arguments
from jobs.settings import Settings

# Put before the layers' names, behind the target's own prefix: no table of the jobs is among the pipeline's.
PREFIX = "pipeline_"
NAMES = ("home", "catalog", "prefix", "tables")
BROKEN = "the data did not pass its contract"  # what a run prints that a row has ended


def settings_of(spark: SparkSession) -> Settings:
    """Read the settings from a session's configuration; see `settings`."""
    return settings({name: spark.conf.get(f"lakehouse.{name}", "") or "" for name in NAMES})


def settings(given: Mapping[str, str]) -> Settings:
    """Parse the settings, which jobs have as arguments of the same names.

    Raises ArgumentTypeError for a folder, name or table that is none.
    """
    return Settings(
        stage="pipeline",
        # It works on whatever has landed.
        night=arguments.yesterday(),
        run_id="pipeline",
        home=arguments.home(given["home"]),
        catalog=arguments.identifier(given["catalog"]),
        prefix=f"{arguments.identifier(given['prefix'])}{PREFIX}",
        tables=arguments.selected_tables(given["tables"]),
    )
