"""Files of the landing zone before the stream reads them: moved into the day they arrived, or set aside."""

import filecmp
import logging
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog.tables import Source
from jobs.bronze import arrival, csv_flaws
from jobs.bronze.findings import Finding, Rejected, Unended, Unpacked, Unusual, Usual
from jobs.bronze.flaws import flaw, is_doubtful_by_name
from jobs.bronze.json_documents import flaw_of_lines, is_document, is_unpacked, unpack
from jobs.bronze.moves import free_path, move, readable_name, refuse_fixed, refuse_link
from jobs.bronze.text_files import is_ended, lines_of
from jobs.bronze.uploads import is_delivered
from jobs.errors import JobError

DOCUMENTS = "_documents"  # where the originals of unpacked files lie
REJECTED = "_rejected"

log = logging.getLogger(__name__)

Entry = os.DirEntry[str]


@dataclass(frozen=True)
class Landing:
    """What lies in a source's folder: loose, as it was delivered, and in the folders of the days of arrival."""

    folder: Path
    loose: list[Entry]
    filed: list[Entry]

    @property
    def deliveries(self) -> list[Path]:
        """The loose files."""
        return [Path(entry.path) for entry in self.loose if entry.is_file(follow_symlinks=False)]

    @property
    def by_hand(self) -> list[Path]:
        """The files that somebody has put into the folder of a day himself."""
        return [file for file in self.in_place if not arrival.was_filed(file)]

    @property
    def in_place(self) -> list[Path]:
        """The files in the folders of days."""
        return [Path(entry.path) for entry in self.filed if entry.is_file(follow_symlinks=False)]


def look(folder: Path) -> Landing:
    """List what lies in a source's folder, which is made if it is missing.

    Links, pipes and the like are listed too, files that say by their name that they are unfinished are not.
    Raises JobError when the folder is itself a link.
    """
    refuse_link(folder)
    folder.mkdir(parents=True, exist_ok=True)
    loose: list[Entry] = []
    filed: list[Entry] = []
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False) and arrival.is_day_folder(entry.name):
            filed += _below(entry, _deliveries)
        elif is_delivered(entry.name):
            loose += _below(entry, _deliveries)
    return Landing(folder, loose, filed)


def refuse_growing(
    landing: Landing, growing: Collection[Path], already_read: Callable[[], Collection[str]]
) -> None:
    """Raise JobError for a file that grows where the stream would read what there is of it, and never again."""
    found = [file for file in landing.by_hand if file in growing]
    seen = already_read() if found else ()
    for file in found:
        if file.relative_to(landing.folder).as_posix() not in seen:
            raise JobError(
                f"{file} is still being written, and would be read in part; try again when it is complete, or put it "
                f"into {landing.folder} itself"
            )


def prepare(
    landing: Landing,
    source: Source,
    already_read: Callable[[], Collection[str]],
    growing: Collection[Path] = (),
    *,
    is_simulated: bool = False,
) -> Iterator[Finding]:
    """Move delivered files into the folder of the day they arrived; set aside and yield those that must not be read.

    Of CSV files that are new, it is yielded how they are laid out, and whether their last line has no end; of JSON
    files that are unpacked, how many records came of them.

    Links are never followed, and files that are `growing` are left alone. One that cannot be moved stays where it is,
    and is yielded. `already_read` returns the files that earlier runs read, as paths relative to the source's folder:
    those stay where they are. It is called only when a file needs it, as those do that somebody has put into the
    folder of a day himself, which those of the simulator are not: such a file is looked through once.

    Raises JobError when the folder of a day, or that of rejected files, is itself a link.
    """
    folder = landing.folder
    for entry in (*landing.loose, *landing.filed):
        if not entry.is_file(follow_symlinks=False):
            kind = "a link, which is not followed" if entry.is_symlink() else "no regular file"
            yield _set_aside(Path(entry.path), folder, f"it is {kind}; bring the file itself")
    for entry in landing.loose:
        file = Path(entry.path)
        if entry.is_file(follow_symlinks=False) and file not in growing:
            yield from _take_in(file, folder, source)
    doubtful = [
        file
        for file in landing.in_place
        if is_doubtful_by_name(file, source)
        or _unreadable(file, folder)
        or not (is_simulated or arrival.was_filed(file))
    ]
    seen = already_read() if doubtful else ()
    for file in doubtful:
        is_new = file.relative_to(folder).as_posix() not in seen
        if is_new and (
            reason := _unreadable(file, folder) or flaw(file, source) or _unpack_there(file, folder, source)
        ):
            yield _set_aside(file, folder, reason)
        elif is_new:
            yield from _found(file, folder, source)


def _found(file: Path, folder: Path, source: Source) -> Iterator[Finding]:
    """Yield what is to be known of a file that may be read."""
    path = file.relative_to(folder).as_posix()
    if source.format != "csv":
        if (folder / DOCUMENTS / path).exists():
            yield Unpacked(path, lines_of(file))
        return
    layout = csv_flaws.layout(file, source)
    yield Usual(path) if layout.is_usual else Unusual(path, layout)
    if not is_ended(file):
        yield Unended(path)


def _take_in(file: Path, folder: Path, source: Source) -> Iterator[Finding]:
    """Move a delivered file into the folder of its day, unless something is wrong with it."""
    try:
        wanted = folder / arrival.filed_as(
            arrival.instant_of(file.lstat().st_ctime), readable_name(file.name)
        )
        if reason := flaw(file, source):
            yield _set_aside(file, folder, reason)
        elif source.format == "json" and is_document(file, source):
            filed = _file_document(file, folder, source, wanted)
            yield from (
                [_set_aside(file, folder, filed)] if isinstance(filed, str) else _found(filed, folder, source)
            )
        elif source.format == "json" and (reason := flaw_of_lines(file)):
            yield _set_aside(file, folder, reason)
        else:
            yield from _found(move(file, wanted.parent, wanted.name), folder, source)
    except FileNotFoundError:
        log.info("%s was taken away again", file)
    except OSError as error:
        yield _left(file, folder, f"it cannot be taken from there ({error.strerror})")


def _file_document(file: Path, folder: Path, source: Source, wanted: Path) -> Path | str:
    """Move a document into the folder of its day, as lines; return where it is, or why it cannot be unpacked."""
    refuse_link(wanted.parent)
    refuse_fixed(file)
    kept = folder / DOCUMENTS / wanted.relative_to(folder)
    if wanted.exists() and kept.exists() and filecmp.cmp(file, kept, shallow=False):
        file.unlink()  # of a run that ended before it had done so
        return wanted
    target = free_path(wanted)
    refuse_link(folder / DOCUMENTS)
    try:
        return unpack(file, source, target, folder / DOCUMENTS / target.relative_to(folder)) or target
    except OSError:
        # Both would be read, one of them in each run.
        target.unlink(missing_ok=True)
        raise


def _unreadable(file: Path, folder: Path) -> str | None:
    """Return why the stream would fail for a file where it lies, or pass over it."""
    name = str(file.relative_to(folder))
    if readable_name(name) == name:
        return None
    return f"its path has a colon or is no UTF-8; put it into {folder.name} itself, or under another name"


def _unpack_there(file: Path, folder: Path, source: Source) -> str | None:
    """Unpack a document that lies in the folder of a day already, once; return why it cannot be, or be read, if so."""
    kept = folder / DOCUMENTS / file.relative_to(folder)
    if source.format != "json" or is_unpacked(file, kept):
        return None
    if not is_document(file, source):
        return flaw_of_lines(file)
    refuse_link(folder / DOCUMENTS)
    return unpack(file, source, file, kept)


def _set_aside(file: Path, folder: Path, reason: str) -> Rejected:
    size = file.lstat().st_size
    try:
        kept = move(file, folder / REJECTED)
    except OSError as error:
        if arrival.is_day_folder(file.relative_to(folder).parts[0]):
            raise  # the stream would read it
        return _left(file, folder, f"{reason}; it cannot be taken from there ({error.strerror})")
    log.warning("%s is set aside unread (%s); kept as %s", file, reason, kept)
    return Rejected(kept, reason, size)


def _left(file: Path, folder: Path, reason: str) -> Rejected:
    """Leave a file where it is and say so: other files and sources go on."""
    reason = f"{reason}; allow it to be moved, or put it into {folder} itself"
    log.warning("%s is left unread: %s", file, reason)
    return Rejected(file, reason, file.lstat().st_size)


def _below(entry: Entry, listed: Callable[[str], list[Entry]]) -> Iterator[Entry]:
    """Yield everything below a folder that is not a folder; an entry that is none, or cannot be listed, itself."""
    try:
        entries = listed(entry.path) if entry.is_dir(follow_symlinks=False) else None
    except PermissionError:
        entries = None
    if entries is None:
        yield entry
    else:
        for each in entries:
            yield from _below(each, listed)


def _entries(folder: Path | str) -> list[Entry]:
    """The entries of a folder that Spark's file streams do not ignore, in order; links included."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    return [entry for entry in entries if not _is_ignored(entry.name)]


def _deliveries(folder: str) -> list[Entry]:
    return [entry for entry in _entries(folder) if is_delivered(entry.name)]


def _is_ignored(name: str) -> bool:
    """Whether Spark's file streams ignore files and folders of this name."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)
