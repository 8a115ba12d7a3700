"""Files of JSON that are not an object a line, unpacked when they are taken in: a line a record, the original beside.

Needs nothing but Python. A file's first lines say whether it has a record a line; of one that has, all is searched
for lines with several.
"""

import filecmp
import gzip
import itertools
import os
import re
import shutil
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from catalog.tables import Source
from jobs.bronze.json_records import (
    are_batches,
    are_lines,
    each_by_itself,
    has_several,
    is_whole,
    records,
)
from jobs.bronze.json_scanner import Fault
from jobs.bronze.text_files import PIECE, long_line, opened, with_line_feeds

MOST = 256 << 20  # characters, the largest document
# Bytes, or characters: what a VARIANT holds on all platforms, as which a bad row is kept.
MOST_OF_A_LINE = 16 << 20
FIRST = 100  # lines by which JSON lines are told from documents
LONGEST = 1 << 18  # characters of a line that are looked at for that
LINES = frozenset({".jsonl", ".ndjson"})  # suffixes by which a sender says that a file has a record a line
GZIP = ".gz"
# The end of an object, or of a text that holds one, and what begins another record: or one within the same record.
_ONE_MORE = re.compile(rb'}[ \t]*"?[ \t,\x1e\xef\xbb\xbf]*[{\[]')


def is_document(file: Path, source: Source) -> bool:
    """Whether a file has records that stand otherwise than one on each line.

    Of a file that is neither lines nor a whole document, but of lines by its suffix, each is a malformed record.
    """
    first, is_called_lines = _first_lines(file), bool(LINES & {*file.suffixes})
    if are_lines(first) or (is_called_lines and are_batches(first)):
        return source.is_rewritten or any(map(has_several, _odd_lines(file)))
    return not is_called_lines or source.is_rewritten or _is_document(file, source)


def flaw_of_lines(file: Path) -> str | None:
    """Return why a file that is no document must not be read; None if it may be."""
    if line := long_line(file, MOST_OF_A_LINE):
        return f"line {line} is longer than {MOST_OF_A_LINE:,} bytes; bring one record a line"
    return None


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
            lines.writelines(f"{record}\n" for record in _bounded(_records(file, source)))
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
    is_called_lines = bool(LINES & {*file.suffixes})
    if are_lines(_first_lines(file)) or (is_called_lines and not _is_document(file, source)):
        with _open(file) as lines:
            yield from each_by_itself(
                (line.rstrip("\n") for line in lines), source.records, source.around, is_senml=source.senml
            )
    else:
        yield from records(_text(file), source.records, source.around, is_senml=source.senml)


def _bounded(records: Iterator[str]) -> Iterator[str]:
    """Yield records. Raises Fault for one that is too large."""
    for record in records:
        if len(record) > MOST_OF_A_LINE:
            raise Fault(record, 0, f"a record may not have more than {MOST_OF_A_LINE:,} characters")
        yield record


def _is_document(file: Path, source: Source) -> bool:
    """Whether all of a file is one text of JSON."""
    try:
        return is_whole(_text(file), source.records)
    except Fault:
        return False


def _text(file: Path) -> str:
    """Return all of a file. Raises Fault if that is too large."""
    with _open(file) as content:
        text = content.read(MOST + 1)
    if len(text) > MOST:
        raise Fault(text, MOST, "a document may not be larger")
    return text


def _first_lines(file: Path) -> list[str]:
    with _open(file) as content:
        lines = iter(lambda: content.readline(LONGEST), "")
        return [*itertools.islice(filter(str.strip, lines), FIRST)]


def _odd_lines(file: Path) -> Iterator[str]:
    """Yield the lines of a file that may have several records: few lines of most files.

    Pieces of the file that have none are passed by at once, and of the others all lines that have none.
    """
    with opened(file) as content:
        place = content.read(len(BOM_UTF8)).removeprefix(BOM_UTF8)
        while piece := place + content.read(PIECE):
            piece = with_line_feeds(piece + content.readline(LONGEST))
            place = b""
            if not _is_plain(piece.strip(b"\n")):
                odd = (line for line in map(bytes.strip, piece.split(b"\n")) if line and not _is_plain(line))
                yield from (line.decode(errors="surrogateescape") for line in odd)


def _is_plain(lines: bytes) -> bool:
    """Whether each of some lines begins and ends like an object, and none has a second one."""
    are_objects = (
        lines.startswith(b"{") and lines.endswith(b"}") and lines.count(b"}\n{") == lines.count(b"\n")
    )
    return are_objects and not _ONE_MORE.search(lines)


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
    if source.senml:
        return "packs of SenML, arrays of objects"
    return "an object a line, or an array of objects"
