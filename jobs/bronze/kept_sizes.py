"""The size that each landed file had when bronze took it in, kept beside it: one that has another later was changed.

Bronze reads a file once. What somebody writes into it afterwards, as an upload does that stood still for longer than
bronze waits, is in no table.
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from jobs.bronze.uploads import is_delivered
from jobs.files import write_atomically

log = logging.getLogger(__name__)

FILE = "_sizes.json"  # in the folder of a day; streams pass over it
DAYS = 8  # for which files are looked at again, today included

Sizes = dict[str, int]  # bytes, by the file's path relative to the folder of its day


def days(nights: Iterable[date]) -> set[date]:
    """The days whose files are looked at: a run's nights, and the last until today."""
    today = datetime.now(UTC).date()
    return {*nights, *(today - timedelta(ago) for ago in range(DAYS))}


def keep(folder: Path, days: Iterable[date]) -> None:
    """Add the sizes of the files that are new in the folders of some days of a source."""
    for day in _folders(folder, days):
        known, now = _load(day), dict(_sizes(day))
        if now.keys() - known.keys():
            write_atomically(day / FILE, json.dumps(now | known, indent=1))


def changed(folder: Path, days: Iterable[date]) -> dict[str, object]:
    """Log and return, for a run result, the files in the folders of some days that have another size than was kept."""
    found = []
    for day in _folders(folder, days):
        known = _load(day)
        for path, size in _sizes(day):
            if known.get(path, size) != size:
                found.append(f"{day.name}/{path}")
                log.warning(
                    "%s had %d bytes when it was read, and has %d: what came later is in no table; "
                    "withdraw it, and bring it again",
                    day / path,
                    known[path],
                    size,
                )
    return {"changed": found} if found else {}


def _folders(folder: Path, days: Iterable[date]) -> list[Path]:
    folders = [folder / f"arrived={day}" for day in sorted(set(days))]
    return [day for day in folders if day.is_dir() and not day.is_symlink()]


def _load(day: Path) -> Sizes:
    file = day / FILE
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _sizes(day: Path) -> Iterator[tuple[str, int]]:
    """Path and size of each file that streams read."""
    for root, folders, names in os.walk(day):
        folders[:] = [name for name in folders if name[0] not in "._" and is_delivered(name)]
        for name in sorted(names):
            file = Path(root, name)
            if name[0] not in "._" and is_delivered(name) and file.is_file() and not file.is_symlink():
                yield file.relative_to(day).as_posix(), file.stat().st_size
