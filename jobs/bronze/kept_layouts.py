"""Layouts of the CSV files of somebody's own, kept beside them.

Bronze reads the files by them, and silver counts by them what landed, whatever the catalog has come to say since.
"""

import json
import logging
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from catalog.tables import Source
from jobs.bronze import csv_flaws, csv_lines
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


def make_good(folder: Path, files: Iterable[Path], source: Source) -> None:
    """Keep the layouts of files that were read by a version which kept none, by their headers.

    `files` are those in the folders of days of a source; one that is damaged, and so was not read, is left out. Where
    files have no header, nobody knows which columns the catalog had then. Does nothing the second time.
    """
    days = {day.name for day in folder.glob("arrived=*") if source.header and not (day / FILE).exists()}
    paths = [file.relative_to(folder) for file in files] if days else []
    found = {path.as_posix(): _as_then(folder / path, source) for path in paths if path.parts[0] in days}
    save(folder, {path: layout for path, layout in found.items() if layout}, (), source)


def _as_then(file: Path, source: Source) -> Layout | None:
    """How a file that is read long since is laid out, with the comments of that time; None for one without a layout."""
    with suppress(ValueError, OSError, EOFError, zlib.error):
        found = csv_flaws.layout(file, source)
        return replace(found, has_comments=not csv_lines.begins_with_text(found.names, source))
    return None


def load(nights: Iterable[Path], source: Source) -> dict[str, Layout]:
    """Return the layouts, of files in the folders of some nights, that are not the catalog's as it is now."""
    kept = {path: each for night in nights for path, each in _kept(night / FILE).items()}
    return {path: _layout(each, source) for path, each in kept.items() if each != _own(source)}


def _kept(file: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def _own(source: Source) -> list[str]:
    return [*source.fields]


def _layout(kept: Any, source: Source) -> Layout:
    """A layout as it was kept: whole, or the columns that the catalog had then, which were those of the file.

    An earlier version kept these as one text, and took lines that begin with # for comments by the first one's type.
    """
    if isinstance(kept, dict):
        return Layout(tuple(kept["names"]), tuple(kept["no_records"]), kept["has_comments"])
    is_of_old = isinstance(kept, str)
    names = tuple(kept.split(",") if is_of_old else kept)
    header = csv_lines.bare(source.delimiter.join(names))
    has_comments = is_of_old and not csv_lines.begins_with_text(names, source)
    return Layout(names, (header,), has_comments)


def lacking(source: Source, layouts: Layouts) -> dict[str, object]:
    """Log and return, for a run result, which of a source's columns are null since files lack them, by file."""
    missing = {
        path: [name for name in source.fields if name not in layout.names] for path, layout in layouts.items()
    }
    found = {path: names for path, names in missing.items() if names}
    for path, names in found.items():
        log.warning("%s/%s lacks %s, null in all of its rows", source.name, path, ", ".join(names))
    return {"lacking": found} if found else {}
