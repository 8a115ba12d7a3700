"""Withdrawn files that are brought again, under the path that they had: the stream knows it, and would pass them by."""

import logging
import re
from collections.abc import Callable, Collection
from pathlib import Path

from jobs.bronze.moves import free_path, refuse_link

FOLDER = "_withdrawn"  # of a source; bronze does not look there
ARRIVED_AT = re.compile(r"^at-[\d.]+-")  # what bronze has put before the name

log = logging.getLogger(__name__)


def rename_brought_again(folder: Path, already_read: Callable[[], Collection[str]]) -> None:
    """Rename each file that lies where one was withdrawn from, so that the stream reads it as a new one.

    `already_read` returns the files whose rows bronze has, as paths relative to the source's folder.
    Raises JobError when a folder is a link.
    """
    withdrawn = folder / FOLDER
    if not withdrawn.is_dir():
        return
    refuse_link(withdrawn)
    below = [file.relative_to(withdrawn) for file in withdrawn.rglob("*") if file.is_file()]
    again = [path for path in sorted(below) if (folder / path).is_file()]
    seen = already_read() if again else ()
    for path in again:
        file = folder / path
        if path.as_posix() not in seen and not file.is_symlink():
            refuse_link(file.parent)
            found = file.rename(free_path(file.with_name(ARRIVED_AT.sub("", file.name))))
            log.info("%s was withdrawn once and is brought again; it is taken in as %s", file, found.name)
