"""Files of the landing zone before the stream reads them: moved into their night, or set aside if unreadable."""

import logging
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from catalog.tables import Source
from jobs.bronze.inspection import flaw, is_doubtful_by_beginning, is_doubtful_by_name
from jobs.bronze.json_documents import is_document, is_unpacked, unpack
from jobs.errors import JobError

DOCUMENTS = "_documents"  # where the originals of unpacked files lie

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rejected:
    """A file that was set aside: where it is now, why, and its size in bytes."""

    file: Path
    reason: str
    size: int


def prepare(
    folder: Path, night: date, source: Source, already_read: Callable[[], Collection[str]]
) -> Iterator[Rejected]:
    """Move a source's delivered files into the folder of a night; set aside and yield those that must not be read.

    Links are never followed. `already_read` returns the files that earlier runs read, as paths relative to the
    source's folder: those stay where they are. It is called only when a file needs it.

    Raises JobError when the source's folder, or that of its rejected files, is itself a link.
    """
    _refuse_link(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = list(_entries(folder))
    for entry in found:
        if not entry.is_file(follow_symlinks=False):
            kind = "a link, which is not followed" if entry.is_symlink() else "no regular file"
            yield _set_aside(Path(entry.path), folder, f"it is {kind}; bring the file itself")
    arrived = folder / f"arrived={night}"
    arrived.mkdir(exist_ok=True)
    files = [Path(entry.path) for entry in found if entry.is_file(follow_symlinks=False)]
    landed = [file if _is_in_night(file, folder) else _move(file, arrived) for file in files]
    doubtful = [
        file
        for file in landed
        if is_doubtful_by_name(file, source)
        or (file.is_relative_to(arrived) and is_doubtful_by_beginning(file, source))
    ]
    seen = already_read() if doubtful else ()
    for file in doubtful:
        is_new = file.relative_to(folder).as_posix() not in seen
        if is_new and (reason := flaw(file, source) or _unpack(file, folder, source)):
            yield _set_aside(file, folder, reason)


def _unpack(file: Path, folder: Path, source: Source) -> str | None:
    kept = folder / DOCUMENTS / file.relative_to(folder)
    if source.format != "json" or not is_document(file, source) or is_unpacked(file, kept):
        return None
    _refuse_link(folder / DOCUMENTS)
    return unpack(file, source, file, kept)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield everything below a folder that is not a folder, in order; links included."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if _is_ignored(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(Path(entry.path))
        else:
            yield entry


def _is_ignored(name: str) -> bool:
    """Whether Spark's file streams ignore files and folders of this name."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def readable_name(name: str) -> str:
    """Return a name that Spark can read a file under: it fails for a colon, and passes over names that are no UTF-8."""
    return name.encode(errors="replace").decode().replace(":", ".")


def _is_in_night(file: Path, folder: Path) -> bool:
    top, *below = file.relative_to(folder).parts
    name, _, night = top.partition("=")
    try:
        return bool(below) and name == "arrived" and str(date.fromisoformat(night)) == night
    except ValueError:
        return False


def _set_aside(file: Path, folder: Path, reason: str) -> Rejected:
    size = file.lstat().st_size
    kept = _move(file, folder / "_rejected")
    log.warning("%s is set aside unread (%s); kept as %s", file, reason, kept)
    return Rejected(kept, reason, size)


def _move(file: Path, folder: Path) -> Path:
    """Move a file into a folder under its own name, or a free one like it."""
    _refuse_link(folder)
    folder.mkdir(exist_ok=True)
    wanted = folder / readable_name(file.name)
    target, number = wanted, 1
    while os.path.lexists(target):
        target, number = folder / f"{wanted.stem}-{number}{wanted.suffix}", number + 1
    return file.rename(target)


def _refuse_link(folder: Path) -> None:
    if folder.is_symlink():
        raise JobError(f"{folder} is a link, and bronze follows none; put a folder in its place")
