"""A file that one process at a time holds, for what must not be done twice at once."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(file: Path, *, waits: bool = False) -> Iterator[bool]:
    """Hold a file, and yield whether that is so: False at once while another holds it, unless one waits for that.

    The file and its folder are made; the file stays. A process that is killed holds nothing any more.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
