"""Two nights, run once for every test that compares with them."""

from collections.abc import Iterator

import pytest

from tests.conftest import new_lake
from tests.support.commands import command
from tests.support.nights import Nights, two_nights

__all__ = ["command", "nights"]


@pytest.fixture(scope="session")
def nights(spark, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """A lake with two nights; see `Nights`."""
    with new_lake(spark, tmp_path_factory.mktemp("nights")) as lake:
        yield two_nights(spark, lake)
