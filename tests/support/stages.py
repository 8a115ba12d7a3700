"""Running stages in a test's own lake, in this process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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


@pytest.fixture
def deliver(lake) -> Callable[..., object]:
    """Deliver a file by hand to a source's landing folder."""

    def into(source: str, name: str, content: str | bytes):
        folder = lake("bronze").landing / source
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
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
