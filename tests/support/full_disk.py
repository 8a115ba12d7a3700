"""A disk without space: files can be read, moved and removed, and whatever is written comes to an end in the middle."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

LEFT = 1 << 16  # bytes


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow beyond LEFT until the block is left: the system itself refuses it, with an OSError."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LEFT, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
