"""Stage `generate`: one night of simulated IoT data, landed as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from jobs.outcome import TableResult
    from jobs.settings import Settings


def run(spark: SparkSession, settings: Settings) -> list[TableResult]:
    """Land the night of every selected source; see `landing.run`."""
    # Imported when used: what is made in plain Python needs no Spark.
    from jobs.generate import landing

    return landing.run(spark, settings)
