"""The project's Spark folder with settings and jars of the tests besides: what `connect-server` starts from."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.support.project import PROJECT

# Of few rows, compiling a query takes longer than running it.
INTERPRETED = ("spark.sql.codegen.wholeStage=false", "spark.sql.codegen.factoryMode=NO_CODEGEN")
# And so do planning it again after each of its stages, tasks that have no rows, and asking the statistics which of a
# handful of files can be left out.
FEW_ROWS = (
    *INTERPRETED,
    "spark.sql.adaptive.enabled=false",
    "spark.sql.files.minPartitionNum=1",
    "spark.sql.leafNodeDefaultParallelism=1",
    "spark.sql.shuffle.partitions=1",
    "spark.databricks.delta.snapshotPartitions=1",
    "spark.databricks.delta.stats.skipping=false",
)

# For a JVM that lives for a night or two: compiling well takes a third of its time. With one compiler it plans room for
# little code, and Spark fails when that is full.
QUICK = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:-MethodFlushing"
# For one that serves a whole suite: compiled well, but in smaller pieces, and nothing compiled is looked through for what
# is no longer used.
LASTING = "-XX:FreqInlineSize=100 -XX:InlineSmallCode=1000 -XX:ReservedCodeCacheSize=480m -XX:-MethodFlushing"


def spark_folder(folder: Path, settings: Iterable[str], jars: Iterable[Path] = ()) -> Path:
    """Make it, anew if it is there, with settings `name=value` that go before the project's; its `connect-server`.

    The script takes settings and jars from the folder that it lies in, so a link to it here runs it unchanged.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "jars").mkdir(parents=True)
    script = folder / "connect-server"
    script.symlink_to(PROJECT / "spark" / "connect-server")
    shutil.copytree(PROJECT / "spark" / "conf", folder / "conf")
    with (folder / "conf" / "spark-defaults.conf").open("a") as defaults:
        defaults.writelines(f"\n{setting.replace('=', ' ', 1)}" for setting in settings)
    for jar in (*(PROJECT / "spark" / "jars").glob("*.jar"), *jars):
        (folder / "jars" / jar.name).symlink_to(jar.resolve())
    return script
