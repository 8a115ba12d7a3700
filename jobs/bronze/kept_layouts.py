"""Layouts of the CSV files that are not laid out as the catalog says, kept beside them.

Bronze reads the files by them, and silver counts by them what landed, whatever the catalog has come to say since.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from catalog.tables import Source
from jobs.bronze.csv_layout import Layout
from jobs.files import write_atomically

log = logging.getLogger(__name__)

FILE = "_layouts.json"  # in the folder of a night; streams pass over it

Layouts = Mapping[str, Layout]  # by the file's path, relative to the folder of its source


def save(folder: Path, layouts: Layouts) -> None:
    """Add layouts to those of the nights in the folder of a source."""
    for night in {path.split("/")[0] for path in layouts}:
        known = load([folder / night])
        known |= {path: layout for path, layout in layouts.items() if path.startswith(f"{night}/")}
        write_atomically(
            folder / night / FILE,
            json.dumps({path: asdict(layout) for path, layout in known.items()}, indent=1),
        )


def load(nights: Iterable[Path]) -> dict[str, Layout]:
    """Return the layouts of the files in the folders of some nights of one source."""
    files = [file for night in nights if (file := night / FILE).exists()]
    return {
        path: Layout(tuple(kept["names"]), tuple(kept["no_records"]), kept["has_comments"])
        for file in files
        for path, kept in json.loads(file.read_text()).items()
    }


def lacking(source: Source, layouts: Layouts) -> dict[str, object]:
    """Log and return, for a run result, which of a source's columns are null since files lack them, by file."""
    missing = {
        path: [name for name in source.fields if name not in layout.names] for path, layout in layouts.items()
    }
    found = {path: names for path, names in missing.items() if names}
    for path, names in found.items():
        log.warning("%s/%s lacks %s, null in all of its rows", source.name, path, ", ".join(names))
    return {"lacking": found} if found else {}
