"""Fetch the jars of a list once, by coordinates, and keep those that are needed.

    python spark/fetch_jars.py [LIST]        safe to repeat; does nothing when the jars are there and intact

LIST is a file such as `spark/jars.sha256`, which it is when none is given; its jars go to the folder `jars`
beside it. Spark's own resolver downloads them (so a site's mirror settings apply), and each is checked against
the list before it is kept. Resolving at every session start instead would need the network at night, and the
transitive jars would shadow pyspark's own Hadoop.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

OWN = Path(__file__).resolve().parent / "jars.sha256"


def coordinates(listed: Path) -> str:
    """What to resolve, separated by commas: the comments of a list."""
    lines = listed.read_text().splitlines()
    return ",".join(line.removeprefix("# ") for line in lines if line.startswith("# "))


def pinned(listed: Path) -> dict[str, str]:
    """File name of each needed jar -> its sha256."""
    lines = listed.read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines if not line.startswith("#"))}


def intact(jar: Path, digest: str) -> bool:
    """Whether the file is there and is the pinned one."""
    return jar.is_file() and hashlib.sha256(jar.read_bytes()).hexdigest() == digest


def fetch(listed: Path) -> None:
    """Resolve a list's coordinates into a temporary folder and keep the pinned jars."""
    from pyspark import SparkConf
    from pyspark.java_gateway import launch_gateway

    # Spark resolves before it starts: with a session it would take three times as much of the processor.
    quick = ("-XX:TieredStopAtLevel=1", os.environ.get("JDK_JAVA_OPTIONS", ""))
    os.environ["JDK_JAVA_OPTIONS"] = " ".join(quick).strip()
    with tempfile.TemporaryDirectory() as ivy:
        asked = {"spark.jars.packages": coordinates(listed), "spark.jars.ivy": ivy}
        gateway = launch_gateway(SparkConf().setAll(asked.items()))
        gateway.shutdown()
        gateway.proc.stdin.close()
        jars = listed.parent / "jars"
        jars.mkdir(exist_ok=True)
        for name, digest in pinned(listed).items():
            found = Path(ivy, "jars", name)
            if not intact(found, digest):
                sys.exit(f"{name}: the downloaded jar does not have the sha256 of {listed}")
            shutil.move(found, jars / name)


if __name__ == "__main__":
    wanted = Path(sys.argv[1]) if len(sys.argv) > 1 else OWN
    if not all(intact(wanted.parent / "jars" / name, digest) for name, digest in pinned(wanted).items()):
        fetch(wanted)
