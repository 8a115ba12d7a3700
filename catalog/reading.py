"""The files of the catalog, `*.toml` in one folder, read together: a name may stand in any of them, and in one only."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
SECTIONS = ("sources", "silver", "derived", "gold", "ops")
COLUMNS = "columns"  # what a column means wherever it stands: names and texts, no sections of their own


class CatalogError(ValueError):
    """The catalog is wrong; the message says where and how."""


@dataclass(frozen=True)
class Sections:
    """What the files say, by section and name; within a section in the order of files and lines."""

    values: Mapping[str, Mapping[str, Any]]
    files: Mapping[tuple[str, str], str]

    def __getitem__(self, section: str) -> Mapping[str, Any]:
        return self.values[section]

    def where(self, section: str, name: str) -> str:
        """Return where something is defined, for messages."""
        return f"{self.files.get((section, name), 'catalog')} [{section}.{name}]"


def read(folder: Path = FOLDER) -> Sections:
    """Read all files of a folder. Raises CatalogError with the file that is wrong."""
    values: dict[str, dict[str, Any]] = {section: {} for section in (*SECTIONS, COLUMNS)}
    files: dict[tuple[str, str], str] = {}
    for file in sorted(folder.glob("*.toml")):
        for section, named in _parsed(file).items():
            if section not in values or not isinstance(named, dict):
                raise CatalogError(
                    f"{file.name}: [{section}] is no section; they are [{'.X], ['.join(SECTIONS)}.X] and [{COLUMNS}]"
                )
            for name, value in named.items():
                if other := files.get((section, name)):
                    raise CatalogError(f"{file.name} [{section}.{name}]: {other} has it, too")
                if section == COLUMNS and not isinstance(value, str):
                    raise CatalogError(f"{file.name} [{section}]: {name} is no text that says what it means")
                if section != COLUMNS and not isinstance(value, dict):
                    raise CatalogError(f"{file.name} [{section}]: {name} stands outside of a [{section}.X]")
                files[section, name] = file.name
                values[section][name] = value
    return Sections(values, files)


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogError(f"{file.name}: {error}") from None
