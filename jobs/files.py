"""Atomic writes of files."""

import os
from collections.abc import Iterable
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old one or the new one, never a part."""
    _write(path, [text])


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write lines as `write_atomically` does, without holding them all at once."""
    _write(path, (f"{line}\n" for line in lines))


def _write(path: Path, pieces: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.writelines(pieces)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
