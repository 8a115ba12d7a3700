"""Size and time of each landed file when bronze took it in, kept beside it: one that has others later was changed.

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

SHOWN = 5

# Bytes, and when the content was written (seconds), by the file's path relative to the folder of its day.
Sizes = dict[str, tuple[int, int | None]]


def days(nights: Iterable[date]) -> set[date]:
    """The days (UTC) whose files are looked at: a run's nights, and the last DAYS, today included."""
    today = datetime.now(UTC).date()
    return {*nights, *(today - timedelta(ago) for ago in range(DAYS))}


def keep(folder: Path, days: Iterable[date]) -> None:
    """Add the sizes and times of the files that are new in the folders of some days of a source."""
    for day in _folders(folder, days):
        known, now = _load(day), dict(_sizes(day))
        if now.keys() - known.keys():
            write_atomically(day / FILE, json.dumps(now | known, indent=1))


def changed(folder: Path, days: Iterable[date]) -> dict[str, object]:
    """Log and return, for a run result, the files in the folders of some days that are not as they were kept.

    `changed` are those of another size, `touched` those of another time alone, whose content may be the same.
    """
    found: dict[str, list[str]] = {}
    for day in _folders(folder, days):
        known = _load(day)
        for path, (size, written_at) in _sizes(day):
            was = known.get(path, (size, written_at))
            if was[0] != size:
                found.setdefault("changed", []).append(f"{day.name}/{path}")
                log.warning(
                    "%s had %d bytes when it was read, and has %d: what came later is in no table; "
                    "withdraw it, and bring it again",
                    day / path,
                    was[0],
                    size,
                )
            elif was[1] not in (None, written_at):
                found.setdefault("touched", []).append(f"{day.name}/{path}")
    if touched := found.get("touched"):
        # Whoever copies a lake touches all of them.
        found["touched"] = [
            *touched[:SHOWN],
            *([f"{len(touched) - SHOWN:,} more"] if touched[SHOWN:] else []),
        ]
        log.warning(
            "%s: written to after they were read, and as long as before: %s; `verify` says whether a night's rows "
            "still are those of its files",
            folder,
            ", ".join(found["touched"]),
        )
    return {**found}


def _folders(folder: Path, days: Iterable[date]) -> list[Path]:
    folders = [folder / f"arrived={day}" for day in sorted(set(days))]
    return [day for day in folders if day.is_dir() and not day.is_symlink()]


def _load(day: Path) -> Sizes:
    file = day / FILE
    found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    # An earlier version kept no times.
    return {path: (was, None) if isinstance(was, int) else (was[0], was[1]) for path, was in found.items()}


def _sizes(day: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Path, size and time of each file that streams read."""
    for root, folders, names in os.walk(day):
        folders[:] = [name for name in folders if name[0] not in "._" and is_delivered(name)]
        for name in sorted(names):
            file = Path(root, name)
            if name[0] not in "._" and is_delivered(name) and file.is_file() and not file.is_symlink():
                state = file.stat()
                yield file.relative_to(day).as_posix(), (state.st_size, int(state.st_mtime))
