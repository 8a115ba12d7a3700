"""Clean virtual environments for runs: what Databricks' runtime brings, and the uploaded wheel. Nothing else."""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from email import message_from_bytes
from pathlib import Path

from packaging.specifiers import SpecifierSet

from tests.support.project import PROJECT

PACKAGES = "lib/python3.*/site-packages"
LOCK = PROJECT / "requirements" / "client.txt"
# A Databricks runtime brings Spark itself; here it is the thin client of the same version as the server.
RUNTIME = "pyspark-client==4.1.3"
# The Python of serverless environment versions and runtimes, from Databricks' release notes.
PYTHONS = {
    "client.1": "3.10.12",
    "client.2": "3.11.10",
    "client.3": "3.12.3",
    "client.4": "3.12.3",
    "14.3": "3.10.12",
    "15.4": "3.11.11",
    "16.4": "3.12.3",
    "17.3": "3.12.3",
}


class InstallationError(Exception):
    """The libraries of a run cannot be installed."""


class Environments:
    """Environments below one folder, one for each distinct list of contents.

    They are kept: serverless compute caches environments too.
    """

    def __init__(self, folder: Path, volumes: Path, uv: Path) -> None:
        self._folder = folder
        self._volumes = volumes
        self._uv = uv
        # Clients in the same process change theirs, to reach the stand-in.
        self._environ = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
        self._installing = threading.Lock()

    def python(self, requirements: list[str], runtime: str) -> Path:
        """Give the interpreter of an environment with these wheels (`/Volumes/…`) and PyPI requirements.

        Raises InstallationError in the words of uv, or for a wheel that is not for the runtime's Python.
        """
        wheels = [self._on_disk(text) for text in requirements if text.startswith("/")]
        wants = [_check_python(wheel, PYTHONS[runtime]) for wheel in wheels]
        listed = [text for text in requirements if not text.startswith("/")]
        # One at a time: two cores, and uv uses them all.
        with self._installing:
            if listed or any(wants):
                environment = self._made([RUNTIME], wheels, listed)
            else:
                # Wheels that want nothing lie above an environment that all of them share.
                environment = self._made([], wheels, [], above=self._made([RUNTIME], [], []))
        return environment / "bin" / "python"

    def _on_disk(self, path: str) -> Path:
        file = self._volumes.parent / path.lstrip("/")
        if not path.startswith("/Volumes/") or not file.is_file():
            raise InstallationError(f"Library installation failed: no such file: {path}")
        return file

    def _made(
        self, runtime: list[str], wheels: list[Path], listed: list[str], above: Path | None = None
    ) -> Path:
        """Give the environment with these contents, made now if it is not there yet."""
        contents = hashlib.sha256(repr((runtime, sorted(listed))).encode() + LOCK.read_bytes())
        for wheel in sorted(wheels):
            contents.update(wheel.name.encode() + wheel.read_bytes())
        environment = self._folder / contents.hexdigest()[:16]
        if (environment / "complete").exists():
            return environment
        shutil.rmtree(environment, ignore_errors=True)
        self._run("venv", "--no-project", "--python", sys.executable, str(environment))
        if above:
            (packages,) = environment.glob(PACKAGES)
            (packages / "runtime.pth").write_text(f"{next(above.glob(PACKAGES))}\n")
        self._run(
            *("pip", "install", "--system-certs", "--python", str(environment / "bin" / "python")),
            *("--constraints", str(LOCK)),
            *(*runtime, *map(str, wheels), *listed),
        )
        (environment / "complete").touch()
        return environment

    def _run(self, *arguments: str) -> None:
        # uv looks for settings upwards from its folder; the project's are not the workspace's.
        done = subprocess.run(
            [self._uv, "--quiet", *arguments],
            cwd=self._folder,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise InstallationError(f"Library installation failed: {done.stderr.strip()[-2000:]}")


def _check_python(wheel: Path, python: str) -> list[str]:
    """Refuse a wheel for another Python; give what it depends on."""
    # The stand-in has one Python only, so the real installer's refusal is made here.
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(item for item in archive.namelist() if item.endswith(".dist-info/METADATA"))
            metadata = message_from_bytes(archive.read(name))
    except (zipfile.BadZipFile, StopIteration):
        raise InstallationError(f"Library installation failed: {wheel.name} is not a wheel") from None
    wanted = metadata["Requires-Python"]
    if wanted and not SpecifierSet(wanted).contains(python):
        raise InstallationError(
            f"Library installation failed: {wheel.name} requires a different Python: {python} not in '{wanted}'"
        )
    return metadata.get_all("Requires-Dist", [])
