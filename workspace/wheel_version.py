"""The version of the jobs' wheel, which hatchling asks for when it builds: `[tool.hatch.version]` names this file.

It ends in a hash of what goes into the wheel, as in 0.1.0+9f86d081: clusters that are up, and pip, take a name and
version that they have already for the same code.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

PROJECT = Path(__file__).resolve().parents[1]
RELEASE = "0.1.0"
# What the wheel's metadata is made of.
DESCRIPTION = ("pyproject.toml", "README.md", "LICENSE")


def version(project: Path = PROJECT) -> str:
    """The release, and the hash of the wheel's files as hatchling picks them, of their names and of the metadata."""
    picked = {
        file.distribution_path: file.path for file in WheelBuilder(str(project)).recurse_included_files()
    }
    contents = hashlib.sha256()
    for name, path in [*sorted(picked.items()), *((name, project / name) for name in DESCRIPTION)]:
        data = Path(path).read_bytes()
        contents.update(f"{name} {len(data)}\n".encode() + data)
    return f"{RELEASE}+{contents.hexdigest()[:8]}"
