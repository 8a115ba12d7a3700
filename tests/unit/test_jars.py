"""Spark's jars: what is there and as it was pinned stays, all else is fetched, and nothing else is kept."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import PROJECT

JAR = b"PK\x03\x04" + bytes(range(256)) * 8
# In the place of pyspark, whose resolver needs a network: what it would download is what the repository holds.
CONFIGURATION = """
class SparkConf(dict):
    def setAll(self, pairs):
        return SparkConf(pairs)
"""
RESOLVER = """
import os, shutil
from pathlib import Path
from types import SimpleNamespace

def launch_gateway(asked):
    assert asked["spark.jars.packages"] == "org.example:one:1.0,org.example:two:2.0"
    assert os.environ["JDK_JAVA_OPTIONS"].endswith(" -Dhttps.proxyHost=proxy.example"), "the site's are lost"
    shutil.copytree(os.environ["REPOSITORY"], Path(asked["spark.jars.ivy"], "jars"))
    ended = SimpleNamespace(stdin=SimpleNamespace(close=lambda: None))
    return SimpleNamespace(proc=ended, shutdown=lambda: None)
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """What can be downloaded: the jar of the list, and one that nobody needs."""
    made = tmp_path / "repository"
    made.mkdir()
    (made / "one.jar").write_bytes(JAR)
    (made / "transitive.jar").write_bytes(b"of the same coordinates")
    return made


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list of jars."""
    file = tmp_path / "spark/jars.sha256"
    file.parent.mkdir()
    digest = hashlib.sha256(JAR).hexdigest()
    file.write_text(f"# org.example:one:1.0\n# org.example:two:2.0\n{digest}  one.jar\n")
    return file


def fetch(listed: Path, repository: Path) -> subprocess.CompletedProcess[str]:
    package = listed.parents[1] / "python/pyspark"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(CONFIGURATION)
    (package / "java_gateway.py").write_text(RESOLVER)
    return subprocess.run(
        [sys.executable, PROJECT / "spark/fetch_jars.py", listed],
        env={
            **os.environ,
            "PYTHONPATH": str(package.parent),
            "REPOSITORY": str(repository),
            "JDK_JAVA_OPTIONS": "-Dhttps.proxyHost=proxy.example",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def kept(listed: Path) -> dict[str, bytes]:
    return {jar.name: jar.read_bytes() for jar in listed.parent.glob("jars/*")}


@pytest.mark.parametrize(
    "there",
    [None, b"", JAR[:-1], JAR + b"\n", JAR[:99] + b"!" + JAR[100:]],
    ids=["missing", "empty", "cut short", "longer", "changed"],
)
def test_a_jar_that_is_not_the_pinned_one_is_fetched_again(
    listed: Path, repository: Path, there: bytes | None
) -> None:
    if there is not None:
        (listed.parent / "jars").mkdir()
        (listed.parent / "jars/one.jar").write_bytes(there)
    done = fetch(listed, repository)
    assert done.returncode == 0, done.stderr
    assert kept(listed) == {"one.jar": JAR}


def test_jars_that_are_there_as_pinned_need_no_network(listed: Path, tmp_path: Path) -> None:
    (listed.parent / "jars").mkdir()
    (listed.parent / "jars/one.jar").write_bytes(JAR)
    done = fetch(listed, tmp_path / "no repository")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("served", [None, JAR[:-1], JAR[:99] + b"!" + JAR[100:]])
def test_a_downloaded_jar_that_is_not_the_pinned_one_is_refused_by_name(
    listed: Path, repository: Path, served: bytes | None
) -> None:
    (repository / "one.jar").unlink()
    if served is not None:
        (repository / "one.jar").write_bytes(served)
    done = fetch(listed, repository)
    said = f"one.jar: the downloaded jar does not have the sha256 of {listed}\n"
    assert (done.returncode, done.stderr) == (1, said)
    assert kept(listed) == {}
