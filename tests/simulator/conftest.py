"""Nights of the simulated feeds, and stages in a test's own lake."""

import importlib
from dataclasses import replace
from datetime import date

import pytest
from pyspark.sql import functions as F

from jobs.generate.night import delivery
from jobs.tables import SOURCES
from tests.support.stages import accounts, compiled, drop, run, table

__all__ = ["accounts", "compiled", "drop", "run", "table"]


@pytest.fixture
def clean(spark):
    """Rows of a feed's night before anything goes wrong with them, typed; SQL sees them with `where`."""

    def of(source: str, night: date, scale: float = 0.1, seed: int = 42):
        feed = replace(importlib.import_module(f"jobs.generate.{source}").FEED, faults={}, is_reliable=True)
        ddl = ", ".join(f"{name} {kind}" for name, kind in SOURCES[source].fields.items())
        lines = delivery(spark, feed, night, scale, seed)
        parse = F.from_csv if SOURCES[source].format == "csv" else F.from_json
        return lines.select(parse("line", ddl).alias("row")).select("row.*")

    return of
