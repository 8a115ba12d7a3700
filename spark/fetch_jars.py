"""Fetch the Delta jars once, by coordinates, and keep the seven that are needed.

    python spark/fetch_jars.py        safe to repeat; does nothing when the jars are there and intact

Spark's own resolver downloads them (so a site's mirror settings apply), and each is checked against
`spark/jars.sha256` before it is kept. Resolving at every session start instead would need the network
at night, and the transitive jars would shadow pyspark's own Hadoop.
"""

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
JARS = HERE / "jars"
COORDINATES = "io.delta:delta-spark_4.1_2.13:4.4.0"


def pinned() -> dict[str, str]:
    """File name of each needed jar -> its sha256."""
    lines = (HERE / "jars.sha256").read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def intact(jar: Path, digest: str) -> bool:
    """Whether the file is there and is the pinned one."""
    return jar.is_file() and hashlib.sha256(jar.read_bytes()).hexdigest() == digest


def fetch() -> None:
    """Resolve COORDINATES into a temporary folder and move the pinned jars to `spark/jars`."""
    from pyspark.sql import SparkSession

    with tempfile.TemporaryDirectory() as ivy:
        SparkSession.builder.master("local[1]").config("spark.jars.packages", COORDINATES).config(
            "spark.jars.ivy", ivy
        ).config("spark.ui.enabled", "false").getOrCreate().stop()
        JARS.mkdir(exist_ok=True)
        for name, digest in pinned().items():
            found = Path(ivy, "jars", name)
            if not intact(found, digest):
                sys.exit(f"{name}: the downloaded jar does not have the sha256 of spark/jars.sha256")
            shutil.move(found, JARS / name)


if __name__ == "__main__":
    if not all(intact(JARS / name, digest) for name, digest in pinned().items()):
        fetch()
