"""The jobs' wheel: built from this checkout, and named after its contents."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from workspace.client import Failed, Refused

PROJECT = Path(__file__).resolve().parents[1]
BUILDER = PROJECT / ".venv/tools/bin/python"
NAME = re.compile(r"(?P<package>\w+)-(?P<version>[^-+]+)-py3-none-any\.whl")


@dataclass(frozen=True)
class Wheel:
    """A wheel as it is deployed."""

    name: str
    content: bytes


def build(folder: Path) -> Path:
    """Build the jobs' wheel into a folder; the same files give the same bytes. Raises Failed."""
    if not BUILDER.exists():
        raise Failed("the tools to build the wheel are not there; `make deploy` sets them up")
    command = [str(BUILDER), "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, check=False, cwd=PROJECT, capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if built.returncode or len(wheels) != 1:
        last = (built.stderr or built.stdout).strip().splitlines()[-1:] or ["no output"]
        raise Failed(f"the wheel cannot be built: {last[0]}")
    return wheels[0]


def stamped(file: Path) -> Wheel:
    """A built wheel whose version ends in a hash of its contents, as in 0.1.0+9f86d081.

    Clusters that are up, and pip, take a name and version that they have already for the same code. Raises Refused.
    """
    named = NAME.fullmatch(file.name)
    if not named:
        raise Refused(
            f"{file.name} is not named as a wheel of the jobs is, iot_lakehouse-<version>-py3-none-any.whl"
        )
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [(entry, archive.read(entry)) for entry in archive.infolist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise Refused(f"cannot read the wheel {file}: {getattr(error, 'strerror', None) or error}") from None
    package, old = named["package"], named["version"]
    contents = hashlib.sha256(b"".join(entry.filename.encode() + data for entry, data in entries))
    new = f"{old}+{contents.hexdigest()[:8]}"
    return Wheel(f"{package}-{new}-py3-none-any.whl", _renamed(entries, package, old, new))


def _renamed(entries: list[tuple[zipfile.ZipInfo, bytes]], package: str, old: str, new: str) -> bytes:
    """The archive with another version in its metadata: folder, Version, and the record of all files."""
    info, record = f"{package}-{new}.dist-info", []
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in entries:
            name = entry.filename.replace(f"{package}-{old}.dist-info", info)
            if name == f"{info}/RECORD":
                continue
            if name == f"{info}/METADATA":
                data = data.replace(f"\nVersion: {old}\n".encode(), f"\nVersion: {new}\n".encode(), 1)
            archive.writestr(_like(entry, name), data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(data)}\n")
        # Last, as the format has it; it does not record itself.
        archive.writestr(_like(entries[-1][0], f"{info}/RECORD"), "".join([*record, f"{info}/RECORD,,\n"]))
    return buffer.getvalue()


def _like(entry: zipfile.ZipInfo, name: str) -> zipfile.ZipInfo:
    copy = zipfile.ZipInfo(name, entry.date_time)
    copy.external_attr, copy.compress_type = entry.external_attr, entry.compress_type
    return copy
