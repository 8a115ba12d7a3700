"""Moving a file to another folder, which may lie on another file system, so that it is never there in part."""

import errno
import filecmp
import os
import shutil
from pathlib import Path

from jobs.errors import JobError


def move(file: Path, folder: Path, name: str = "") -> Path:
    """Move a file into a folder under a name, by default its own, or a free one like it; give where it is then.

    Raises OSError when it cannot be taken from where it is, where it then stays; JobError when the folder is a link.
    """
    refuse_link(folder)
    folder.mkdir(exist_ok=True)
    wanted = folder / readable_name(name or file.name)
    target = free_path(wanted)
    try:
        return file.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV or file.is_symlink():
            raise
    if target != wanted and filecmp.cmp(file, wanted, shallow=False):
        # A run that ended before it had removed what it had copied.
        file.unlink()
        return wanted
    return _copy(file, target)


def _copy(file: Path, target: Path) -> Path:
    """Move a file from another file system: a copy is completed under a hidden name, appears, and replaces the file."""
    refuse_fixed(file)
    draft = target.with_name(f".{target.name}")
    try:
        shutil.copyfile(file, draft, follow_symlinks=False)
        with draft.open("rb") as copied:
            os.fsync(copied.fileno())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    try:
        file.unlink()
    except OSError:
        # Both would be read, one of them in each run.
        target.unlink()
        raise
    return target


def readable_name(name: str) -> str:
    """Return a name that Spark can read a file under: it fails for a colon, and passes over names that are no UTF-8."""
    return name.encode(errors="replace").decode().replace(":", ".")


def free_path(wanted: Path) -> Path:
    """Return a path that nothing has yet: the one that is wanted, or one like it."""
    path, number = wanted, 1
    while os.path.lexists(path):
        path, number = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}"), number + 1
    return path


def refuse_fixed(file: Path) -> None:
    """Raise OSError for a file that cannot be removed from its folder."""
    if not os.access(file.parent, os.W_OK):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(file.parent))


def refuse_link(folder: Path) -> None:
    """Raise JobError for a folder that is a link."""
    if folder.is_symlink():
        raise JobError(f"{folder} is a link, and bronze follows none; put a folder in its place")
