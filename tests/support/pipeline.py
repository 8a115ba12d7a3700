"""The declarative pipeline in this process, on the landed files of a test's lake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession
from pyspark.sql.connect.session import SparkSession as ConnectSession

from catalog.tables import SCHEMAS
from jobs.delta.lake import Lake
from pipelines import __main__ as command
from pipelines.settings import settings


@contextmanager
def pipeline_of(
    spark: SparkSession, lake: Callable[..., object], tables: Iterable[str]
) -> Iterator[Callable[..., Lake]]:
    """What runs the pipeline in the test's lake, and gives its tables; they are gone afterwards.

    It may be given more arguments for a run, which take the place of the usual ones.
    """
    jobs = lake("verify")
    given = {
        "home": str(jobs.home),
        "catalog": jobs.catalog,
        "prefix": jobs.prefix,
        "tables": ",".join(tables),
    }
    found = Lake(spark, settings(given))

    def run(*more: str) -> Lake:
        with _no_session():
            assert command.main([*(f"--{name}={value}" for name, value in given.items()), *more]) == 0
        return found

    try:
        yield run
    finally:
        for layer in SCHEMAS:
            spark.sql(f"DROP SCHEMA IF EXISTS {found.settings.schema(layer)} CASCADE")


@contextmanager
def _no_session() -> Iterator[None]:
    """As in a process of its own: `spark-pipelines` takes the session that is active, and ends it."""
    default, active = (
        ConnectSession._default_session,
        getattr(ConnectSession._active_session, "session", None),
    )
    ConnectSession._default_session = ConnectSession._active_session.session = None
    try:
        yield
    finally:
        ConnectSession._default_session, ConnectSession._active_session.session = default, active
