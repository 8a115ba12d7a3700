"""Reads `targets.toml`, strictly: a typo must not silently run a night in the wrong place."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

FILE = Path(__file__).with_name("targets.toml")


@dataclass(frozen=True)
class Target:
    """Where a night runs."""

    platform: str
    """Key of `platforms.PLATFORMS`."""

    catalog: str
    """First part of every table's name."""

    prefix: str
    """Put before each schema's name, so that several people can share a catalog."""

    home: str
    """The lake's folder: landing, checkpoints, data docs."""


def load_target(name: str | None = None, file: Path = FILE) -> Target:
    """The target of that name, by default the one in LAKEHOUSE_TARGET, else `local`.

    Raises ValueError (TypeError for a value that is no text) naming the file, the target and the key.
    """
    name = name or os.environ.get("LAKEHOUSE_TARGET") or "local"
    targets = tomllib.loads(file.read_text())
    if name not in targets:
        raise ValueError(f"{file.name}: no target {name!r}; there are: {', '.join(targets)}")
    return _strict(f"{file.name} [{name}]", targets[name])


def _strict(where: str, values: dict[str, object]) -> Target:
    known = [field.name for field in fields(Target)]
    if unknown := sorted(set(values) - set(known)):
        raise ValueError(f"{where}: unknown key {', '.join(unknown)}; known are: {', '.join(known)}")
    if missing := [key for key in known if key not in values]:
        raise ValueError(f"{where}: missing key {', '.join(missing)}")
    return Target(**{key: _text(where, key, value) for key, value in values.items()})


def _text(where: str, key: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{where}: {key} must be text, not {value!r}")
    if not value.startswith("$"):
        return value
    found = os.environ.get(value[1:])
    if not found:
        raise ValueError(f"{where}: {key} comes from {value}, which is not set in the environment")
    return found
