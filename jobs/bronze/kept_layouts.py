"""Layouts of the CSV files of somebody's own, kept beside them.

Bronze reads the files by them, and silver counts by them what landed, whatever the catalog has come to say since.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from catalog.tables import Source
from jobs.bronze import csv_lines
from jobs.bronze.csv_layout import Layout
from jobs.files import write_atomically

log = logging.getLogger(__name__)

FILE = "_layouts.json"  # in the folder of a night; streams pass over it

Layouts = Mapping[str, Layout]  # by the file's path, relative to the folder of its source


def save(folder: Path, layouts: Layouts, usual: Iterable[str], source: Source) -> None:
    """Add layouts to those of the nights in the folder of a source; `usual` are files with the catalog's own."""
    found = {path: asdict(layout) for path, layout in layouts.items()} | dict.fromkeys(usual, _own(source))
    for night in {path.split("/")[0] for path in found}:
        file = folder / night / FILE
        known = _kept(file) | {path: kept for path, kept in found.items() if path.startswith(f"{night}/")}
        write_atomically(file, json.dumps(known, indent=1))


def load(nights: Iterable[Path], source: Source) -> dict[str, Layout]:
    """Return the layouts, of files in the folders of some nights, that are not the catalog's as it is now."""
    kept = {path: each for night in nights for path, each in _kept(night / FILE).items()}
    return {path: _layout(each, source) for path, each in kept.items() if each != _own(source)}


def _kept(file: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def _own(source: Source) -> str:
    return ",".join(source.fields)


def _layout(kept: object, source: Source) -> Layout:
    """A layout as it was kept: whole, or the columns that the catalog had then, which were those of the file."""
    if isinstance(kept, dict):
        return Layout(tuple(kept["names"]), tuple(kept["no_records"]), kept["has_comments"])
    names = tuple(str(kept).split(","))
    header = csv_lines.bare(source.delimiter.join(names))
    return Layout(names, (header,), csv_lines.has_comments([source.fields.get(names[0], "STRING")]))


def lacking(source: Source, layouts: Layouts) -> dict[str, object]:
    """Log and return, for a run result, which of a source's columns are null since files lack them, by file."""
    missing = {
        path: [name for name in source.fields if name not in layout.names] for path, layout in layouts.items()
    }
    found = {path: names for path, names in missing.items() if names}
    for path, names in found.items():
        log.warning("%s/%s lacks %s, null in all of its rows", source.name, path, ", ".join(names))
    return {"lacking": found} if found else {}
