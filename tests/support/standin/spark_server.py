"""The stand-in's Spark: the project's own Connect server, with what Databricks has besides.

That is a catalog `main`, a cloudFiles source, and Kafka's way to sign in under its name there.
"""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.project import PROJECT, free_port, wait_for_port
from tests.support.spark_folder import spark_folder

SOURCES = Path(__file__).parent / "spark"
REGISTRY = "META-INF/services/org.apache.spark.sql.sources.DataSourceRegister"
# Nothing listens there.
NOWHERE = "sc://127.0.0.1:1"


class SparkServer:
    """A Connect server that starts when the first run asks for its address.

    Or one that is there: of the address `running`, with the settings `of_databricks` for the same root.
    """

    def __init__(
        self,
        root: Path,
        catalog: str,
        python: Path,
        memory: str,
        java_options: str = "",
        conf: Sequence[str] = (),
        running: str = "",
    ) -> None:
        self._root = root
        self._catalog = catalog
        self._python = python
        self._memory = memory
        self._conf = conf
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._remote = self._running = running
        # That of the start: clients in the same process change it to reach the stand-in. Who has a session on
        # another server may start this one.
        self._environ = {key: value for key, value in os.environ.items() if key != "SPARK_REMOTE"}
        if java_options:
            self._environ["JDK_JAVA_OPTIONS"] = java_options

    @property
    def pid(self) -> int | None:
        """The process that leads the server's process group, None before the first run."""
        return self._process.pid if self._process else None

    def remote(self) -> str:
        """Give the address for SPARK_REMOTE; start the server if it does not run.

        Raises RuntimeError with the end of the server's log when it does not come up.
        """
        with self._starting:
            if not self._runs():
                self._start()
        return self._remote

    def address(self) -> str:
        """Give the address of the server if it runs, else one where nothing is."""
        with self._starting:
            return self._remote if self._runs() else NOWHERE

    def stop(self) -> None:
        """End the server and everything it started."""
        if self._process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(20)
                return
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue

    def _runs(self) -> bool:
        return bool(self._running) or (self._process is not None and self._process.poll() is None)

    def _start(self) -> None:
        port = free_port()
        token = secrets.token_hex(16)
        home = self._root / "spark-home"
        home.mkdir(exist_ok=True)
        log = self._root / "spark.log"
        environment = {
            **self._environ,
            "LAKEHOUSE_HOME": str(home),
            "LAKEHOUSE_SPARK_PYTHON": str(self._python),
            "SPARK_CONNECT_AUTHENTICATE_TOKEN": token,
            "SPARK_CONNECT_PORT": str(port),
            "SPARK_DRIVER_MEMORY": self._memory,
        }
        besides = of_databricks(self._catalog, self._root)
        settings = ("spark.sql.sources.default=delta", *self._conf, *besides)  # delta: as on Databricks
        script = spark_folder(self._root / "spark", settings, [standin_jar(self._python)])
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [script],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_for_port(port, self._process, log, 180)
        self._remote = f"sc://127.0.0.1:{port}/;authorization=Bearer%20{token}"


def of_databricks(catalog: str, root: Path) -> tuple[str, ...]:
    """The settings of Spark that it has there besides; volumes are folders below `root`."""
    name = f"spark.sql.catalog.{catalog}"
    return (f"{name}=standin.MainCatalog", f"{name}.folder={root / 'Volumes' / catalog}")


def standin_jar(python: Path) -> Path:
    """The classes that Spark has there besides, compiled if they have changed; `python` has pyspark.

    Raises RuntimeError without a JDK.
    """
    jar, sources = SOURCES / "jars" / "standin.jar", [*SOURCES.glob("*.java")]
    if jar.exists() and jar.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return jar
    if shutil.which("javac") is None:
        raise RuntimeError("no javac: the stand-in needs a JDK (Debian: openjdk-17-jdk-headless)")
    jar.parent.mkdir(exist_ok=True)
    where = "import pyspark, pathlib; print(pathlib.Path(pyspark.__file__).parent / 'jars')"
    spark = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory(dir=jar.parent) as folder:
        classes, draft = Path(folder) / "classes", Path(folder) / "draft"
        libraries = f"{spark}/*:{PROJECT / 'spark' / 'jars'}/*"
        subprocess.run(["javac", "-nowarn", "-d", classes, "-cp", libraries, *sources], check=True)
        with zipfile.ZipFile(draft, "w") as archive:
            archive.writestr(REGISTRY, "standin.CloudFiles\n")
            for compiled in classes.rglob("*.class"):
                archive.write(compiled, compiled.relative_to(classes))
        draft.rename(jar)  # another suite may do the same meanwhile
    return jar
