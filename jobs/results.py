"""What a stage gives back, and how it says that it failed."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class TableResult:
    """What a stage did to one table. `rows` are those it landed, wrote, published or checked."""

    table: str
    rows: int
    detail: dict[str, object] = field(default_factory=dict)
    pages: tuple[str, ...] = ()  # written about it, relative to the data docs


class JobError(Exception):
    """The job could not do its work; a retry may help (exit status 1)."""


class UsageError(Exception):
    """The job was asked for something that makes no sense (exit status 2)."""


class ContractBroken(Exception):
    """The data did not pass its contract; a retry would not help (exit status 3)."""

    def __init__(self, message: str, results: list[TableResult] | None = None) -> None:
        super().__init__(message)
        self.results = results or []


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
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
