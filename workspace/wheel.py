"""The jobs' wheel, built from this checkout. Its name has a hash of its contents: see `wheel_version`."""

from __future__ import annotations

import re
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from workspace.client import Failed, Refused

PROJECT = Path(__file__).resolve().parents[1]
BUILDER = PROJECT / ".venv/tools/bin/python"
NAME = re.compile(r"iot_lakehouse-[^-+]+\+[0-9a-f]{8}-py3-none-any\.whl")


@dataclass(frozen=True)
class Wheel:
    """A wheel as it is deployed."""

    name: str
    content: bytes


def build(folder: Path, project: Path = PROJECT) -> Path:
    """Build the jobs' wheel into a folder; the same files give the same name and bytes. Raises Failed."""
    if not BUILDER.exists():
        raise Failed("the tools to build the wheel are not there; `make deploy` sets them up")
    command = [str(BUILDER), "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, check=False, cwd=project, capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if built.returncode or len(wheels) != 1:
        last = (built.stderr or built.stdout).strip().splitlines()[-1:] or ["no output"]
        raise Failed(f"the wheel cannot be built: {last[0]}")
    return wheels[0]


def read(file: Path) -> Wheel:
    """A wheel that `build` made, here or elsewhere. Raises Refused for any other."""
    if not NAME.fullmatch(file.name):
        raise Refused(
            f"{file.name} is not named as a wheel of the jobs is, "
            "iot_lakehouse-<version>+<hash>-py3-none-any.whl; build it with `python -m hatchling build -t wheel`"
        )
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Refused(f"cannot read the wheel {file}: {error.strerror}") from None
    if not zipfile.is_zipfile(file):
        raise Refused(f"cannot read the wheel {file}: it is no zip archive")
    return Wheel(file.name, content)
