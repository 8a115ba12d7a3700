"""Files that somebody is still writing: those that do not stand still."""

import logging
import re
import time
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger(__name__)

QUIET = 5.0  # seconds for which a file must not have changed
# Names under which programs write until a file is complete.
UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload", ".upload", "._copying_")
# Of a path, in small letters: a file of such a name, or a folder within that of a day.
UNFINISHED_PATH = rf"/arrived=.*({'|'.join(map(re.escape, UNFINISHED))})(/|$)"
NOT_DELIVERED = "lost+found"  # of a file system that is mounted into the landing zone

State = tuple[int, ...]


def is_delivered(name: str) -> bool:
    """Whether a file or folder of this name is somebody's delivery, and complete so far as the name says."""
    return not name.lower().endswith(UNFINISHED) and name != NOT_DELIVERED


def growing(files: Iterable[Path]) -> frozenset[Path]:
    """Watch files, and return those that change meanwhile.

    Waits until the one that was changed last has not been changed for QUIET seconds: not at all if that is so already,
    and QUIET seconds at most, also where the clock of whoever wrote it is ahead.
    """
    before = {file: _state(file) for file in files}
    now = time.time_ns()
    ages = [(now - changed_at) / 1e9 for changed_at, *_ in before.values()]
    wait = max((QUIET - max(age, 0) for age in ages), default=0)
    if wait <= 0:
        return frozenset()
    time.sleep(wait)
    found = frozenset(file for file, state in before.items() if _state(file) != state)
    for file in sorted(found):
        log.warning("%s is still being written; it is left for the next run", file)
    return found


def _state(file: Path) -> State:
    """When its content was changed (nanoseconds), its size, and which file it is; zeros for one that is gone."""
    try:
        found = file.lstat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino
