"""One lake for what people and machines bring, whichever test it is for: making one costs more than a file in it."""

from collections.abc import Callable, Iterator

import pytest

from jobs import runner
from jobs.delta.lake import Lake
from tests.conftest import new_lake
from tests.support.stages import stand_still


@pytest.fixture(scope="session")
def delivered(spark, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., object]]:
    """The lake after one run to gold, which found the files of both modules; tests only read it."""
    from tests.spark.bronze import test_bad_input, test_what_people_bring

    modules = (test_bad_input, test_what_people_bring)
    with new_lake(spark, tmp_path_factory.mktemp("delivered")) as lake:
        for module in modules:
            for source, files in module.FILES.items():
                for name, content in files.items():
                    file = lake("bronze").landing / source / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(content if isinstance(content, bytes) else content.encode())
                    stand_still(file)
        tables = frozenset().union(*(module.TABLES for module in modules))
        for stage in ("bronze", "silver", "gold", "publish"):
            runner.stage(stage)(Lake(spark, lake(stage, night=test_bad_input.NIGHT, tables=tables)))
        yield lake
