"""What bronze finds out about a delivered file before it is read."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from catalog.tables import Source
from jobs.bronze.csv_layout import Layout

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rejected:
    """A file that was set aside: where it is now, why, and its size in bytes."""

    file: Path
    reason: str
    size: int


@dataclass(frozen=True)
class Unusual:
    """A CSV file that is not laid out as the catalog says: its path in its source's folder, and how it is."""

    path: str
    layout: Layout


@dataclass(frozen=True)
class Usual:
    """A CSV file that is laid out as the catalog says: its path in its source's folder."""

    path: str


@dataclass(frozen=True)
class Unended:
    """A CSV file whose last line has no end, so that its last value may be cut: its path in its source's folder."""

    path: str


@dataclass(frozen=True)
class Unpacked:
    """A JSON file that was not an object a line: its path in its source's folder, and how many records came of it."""

    path: str
    records: int


Finding = Rejected | Unusual | Usual | Unended | Unpacked


def rejected_of(found: Iterable[Finding]) -> list[Rejected]:
    """Return the files that were set aside."""
    return [each for each in found if isinstance(each, Rejected)]


def layouts_of(found: Iterable[Finding]) -> dict[str, Layout]:
    """Return the layouts that are not the catalog's, by the file's path in its source's folder."""
    return {each.path: each.layout for each in found if isinstance(each, Unusual)}


def usual_of(found: Iterable[Finding]) -> list[str]:
    """Return the paths of the files that are laid out as the catalog says."""
    return [each.path for each in found if isinstance(each, Usual)]


def unended(source: Source, found: Iterable[Finding]) -> dict[str, object]:
    """Log and return, for a run result, the files whose last line has no end."""
    paths = [each.path for each in found if isinstance(each, Unended)]
    for path in paths:
        log.warning(
            "%s/%s ends without the end of its last line: see whether that is whole", source.name, path
        )
    return {"unended": paths} if paths else {}


def unpacked(found: Iterable[Finding]) -> dict[str, object]:
    """Return, for a run result, how many records came of each file that does not have exactly one."""
    records = {each.path: each.records for each in found if isinstance(each, Unpacked) and each.records != 1}
    return {"records": records} if records else {}
