"""Running stages in a test's own lake, in this process."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from jobs import runner
from jobs.delta.lake import Lake


@pytest.fixture
def run(spark, lake) -> Callable[..., list]:
    """Run one stage: `run("silver", night=…)`."""

    def stage(name: str, **overrides: object) -> list:
        return runner.stage(name)(Lake(spark, lake(name, **overrides)))

    return stage


@pytest.fixture
def table(spark, lake) -> Callable[[str], object]:
    """Read a table of the test's lake: `table("silver.readings")`."""
    return lambda name: spark.table(lake("verify").table(name))


@pytest.fixture
def accounts(table) -> Callable[[str], dict]:
    """A source's accounts, night by night."""
    return lambda source: {
        row.night: row.asDict() for row in table("ops.row_accounts").where(f"source = '{source}'").collect()
    }


def stand_still(path: Path) -> None:
    """Make a file look as if nobody had written to it for a minute, so that bronze does not watch it."""
    before = time.time() - 60
    os.utime(path, (before, before))


@pytest.fixture
def deliver(lake) -> Callable[..., object]:
    """Deliver a file by hand to a source's landing folder, or as one that arrived on a night; a minute old."""

    def into(source: str, name: str, content: str | bytes, night: date | None = None):
        path = lake("bronze").landing / source / (f"arrived={night}" if night else "") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        stand_still(path)
        return path

    return into


@contextmanager
def compiling(spark) -> Iterator[None]:
    """For frames that are large: compiling their queries pays, unlike for the few rows of most tests."""
    names = ("spark.sql.codegen.wholeStage", "spark.sql.codegen.factoryMode")
    before = {name: spark.conf.get(name) for name in names}
    spark.conf.set(names[0], "true")
    spark.conf.set(names[1], "FALLBACK")
    try:
        yield
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)


@pytest.fixture
def compiled(spark) -> Iterator[None]:
    """For tests whose frames are large; see `compiling`."""
    with compiling(spark):
        yield
