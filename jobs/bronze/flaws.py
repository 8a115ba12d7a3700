"""What is wrong with a delivered file before anything of it is read: its kind, damage, a CSV file's header."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from catalog.tables import Source
from jobs.bronze import csv_flaws, text_files
from jobs.bronze.binary import kind_of, known_kind_of
from jobs.bronze.json_documents import LINES

GZIP = ".gz"
# Spark decodes most of them by their suffix, and one damaged file stops its stream for good. Only gzip is tested.
COMPRESSED = frozenset({GZIP, ".bz2", ".deflate", ".lz4", ".snappy", ".xz", ".zip", ".zst"})
MOST_UNPACKED = 4 << 30  # bytes, the largest size that a gzip file may unpack to
HEAD = 1 << 16  # bytes by which a file's kind is known
PIECE = 1 << 20  # bytes
MAGIC = b"\x1f\x8b"  # begins each member of a gzip file
GZIP_FORMAT = 16 + zlib.MAX_WBITS
WANTED = {
    "csv": "CSV as text in UTF-8",
    "json": "JSON as text in UTF-8, an object a line or an array of objects",
}


def flaw(file: Path, source: Source) -> str | None:
    """Return the reason why a file must not be read; None if it may be. Raises FileNotFoundError if it is gone."""
    suffix = file.suffix
    if suffix != GZIP and suffix.lower() in COMPRESSED:
        return f"{suffix} is not read; bring the file as {GZIP} or plain"
    try:
        if suffix == GZIP and (damage := _damage(file)):
            return damage
        if kind := _kind(file):
            return f"it is {kind}; bring {WANTED[source.format]}"
        return _flaw_of_text(file, source)
    except FileNotFoundError:
        raise
    except OSError as error:
        return f"it cannot be read ({error.strerror or error}); make it readable and bring it again"


def is_doubtful_by_name(file: Path, source: Source) -> bool:
    """Whether only a look into it shows if a file may be read."""
    return source.format == "csv" or file.suffix.lower() in COMPRESSED


def _flaw_of_text(file: Path, source: Source) -> str | None:
    """Return where a text must not be read. Of a file of lines, only the line that is no UTF-8 is malformed."""
    if source.format == "csv":
        return csv_flaws.flaw(file, source)
    return None if LINES & {*file.suffixes} else text_files.flaw(file)


def _kind(file: Path) -> str | None:
    """Return what a file is, if it is no text. Of a file of lines, whatever its sender has sent is one of them."""
    with text_files.opened(file) as content:
        head = content.read(HEAD)
    return known_kind_of(head) if LINES & {*file.suffixes} else kind_of(head)


def _damage(archive: Path) -> str | None:
    """Return why a gzip file is refused, if it is."""
    size = 0
    try:
        with archive.open("rb") as file:
            for piece in _unpacked(file):
                size += piece
                if size > MOST_UNPACKED:
                    return f"it unpacks to more than {MOST_UNPACKED:,} bytes; bring it in smaller files"
    except (EOFError, zlib.error) as error:
        return f"it is no whole gzip file ({str(error).rpartition(': ')[2]}); pack it anew and bring it again"
    return None


def _unpacked(file: IO[bytes]) -> Iterator[int]:
    """Yield the sizes of the unpacked pieces of a gzip file, which ends with a member as Hadoop has it.

    Python's own reader passes over zeros behind the last member. Raises EOFError or zlib.error.
    """
    member, packed = zlib.decompressobj(GZIP_FORMAT), b""
    is_begun, members = False, 0
    while packed := packed or file.read(PIECE):
        if not is_begun and not MAGIC.startswith(packed[:2]):
            place = f"from byte {file.tell() - len(packed) + 1:,} on" if members else "at its beginning"
            raise zlib.error(f"something else {place}")
        unpacked = member.decompress(packed, PIECE)
        yield len(unpacked)
        is_begun, packed = not member.eof, member.unconsumed_tail
        if member.eof:
            member, packed, members = zlib.decompressobj(GZIP_FORMAT), member.unused_data, members + 1
    if is_begun or not members:
        raise EOFError("it ends too early")
