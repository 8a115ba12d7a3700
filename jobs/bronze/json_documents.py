"""Files of JSON that are not an object a line, unpacked when they are taken in: a line a record, the original beside.

Needs nothing but Python: a file is read at most once, and one that is JSON lines by its beginning no further than that.
"""

import filecmp
import gzip
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from catalog.tables import Source
from jobs.bronze.json_records import Fault, are_lines, each_by_itself, has_several, records

MOST = 256 << 20  # characters, the largest document
FIRST = 100  # lines by which JSON lines are told from documents
LONGEST = 1 << 18  # characters of a line that are looked at for that
LINES = frozenset({".jsonl", ".ndjson"})  # suffixes by which a sender says that a file has a record a line
GZIP = ".gz"


def is_document(file: Path, source: Source) -> bool:
    """Whether a file has, by its first lines, records that stand otherwise than one on each line."""
    first = _first_lines(file)
    if _is_of_lines(file, first):
        return bool(source.records) or any(map(has_several, first))
    return True


def is_unpacked(file: Path, kept: Path) -> bool:
    """Whether a file that lies in its place has been unpacked there: the original is kept, and is another."""
    return kept.exists() and not filecmp.cmp(file, kept, shallow=False)


def unpack(file: Path, source: Source, target: Path, kept: Path) -> str | None:
    """Write the records of a file to `target`, a line each, and move the file itself to `kept`; safe to repeat.

    Returns why this cannot be done, if so: nothing has changed then. `target` may be the file itself.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _open(draft, "w", is_packed=file.suffix == GZIP) as lines:
            lines.writelines(f"{record}\n" for record in _records(file, source))
        _copy(file, kept)
        # Hadoop would hold what is new against the checksum of what was there.
        target.with_name(f".{target.name}.crc").unlink(missing_ok=True)
        draft.replace(target)
    except Fault as fault:
        return f"it is no whole JSON ({fault}); bring {_wanted(source)}"
    finally:
        draft.unlink(missing_ok=True)
    if target != file:
        file.unlink()
    return None


def _records(file: Path, source: Source) -> Iterator[str]:
    """Yield the records of a file. Raises Fault."""
    if _is_of_lines(file, _first_lines(file)):
        with _open(file) as lines:
            yield from each_by_itself((line.rstrip("\n") for line in lines), source.records)
        return
    with _open(file) as content:
        text = content.read(MOST + 1)
    if len(text) > MOST:
        raise Fault(text, MOST, "a document may not be larger")
    yield from records(text, source.records)


def _is_of_lines(file: Path, first: list[str]) -> bool:
    return bool(LINES & set(file.suffixes)) or are_lines(first)


def _first_lines(file: Path) -> list[str]:
    with _open(file) as content:
        lines = iter(lambda: content.readline(LONGEST), "")
        return [*itertools.islice(filter(str.strip, lines), FIRST)]


def _open(file: Path, mode: str = "r", *, is_packed: bool | None = None) -> IO[str]:
    """Open a file as text; bytes that are no UTF-8 stay what they are."""
    encoding = "utf-8-sig" if mode == "r" else "utf-8"
    if is_packed if is_packed is not None else file.suffix == GZIP:
        return gzip.open(file, f"{mode}t", 6, encoding, "surrogateescape")  # type: ignore[return-value]
    return file.open(mode, encoding=encoding, errors="surrogateescape")


def _copy(file: Path, to: Path) -> None:
    """Copy a file so that it is there whole or not at all."""
    to.parent.mkdir(parents=True, exist_ok=True)
    draft = to.with_name(f".{to.name}.{os.getpid()}")
    try:
        shutil.copyfile(file, draft)
        draft.replace(to)
    finally:
        draft.unlink(missing_ok=True)


def _wanted(source: Source) -> str:
    if source.records:
        return f"documents with objects in {source.records}"
    return "an object a line, or an array of objects"
