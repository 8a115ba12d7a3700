"""Files as bytes, before anything is read as text: plain or packed, and whether they are UTF-8."""

import codecs
import gzip
import os
from pathlib import Path
from typing import BinaryIO, cast

PIECE = 1 << 20  # bytes that are looked at together


def opened(file: Path) -> BinaryIO:
    """Open a file to read its bytes, unpacked if it is packed."""
    return cast(BinaryIO, gzip.open(file) if file.suffix == ".gz" else file.open("rb"))


def with_line_feeds(lines: bytes) -> bytes:
    """Return lines whose ends are line feeds, whichever system wrote them."""
    return lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in lines else lines


def lines_of(file: Path) -> int:
    """Return how many ends of lines a file has."""
    with opened(file) as content:
        return sum(piece.count(b"\n") for piece in iter(lambda: content.read(PIECE), b""))


def long_line(file: Path, most: int) -> int:
    """Return the first line that is longer than so many bytes, more than a piece of them; 0 without one."""
    with opened(file) as content:
        line, length = 1, 0
        for piece in iter(lambda: content.read(PIECE), b""):
            piece = with_line_feeds(piece)
            end = piece.find(b"\n")
            length += len(piece) if end < 0 else end
            if length > most:
                return line
            if end >= 0:
                line, length = line + piece.count(b"\n"), len(piece) - piece.rfind(b"\n") - 1
    return 0


def is_ended(file: Path) -> bool:
    """Whether the last line of a file has an end. Of a packed file the packing shows that it is whole."""
    with file.open("rb") as content:
        content.seek(max(content.seek(0, os.SEEK_END) - 1, 0))
        return file.suffix == ".gz" or content.read() in (b"", b"\n", b"\r", b"\x1a")


def flaw(file: Path) -> str | None:
    """Return where a file is not UTF-8, and what to do; None if it is. Takes linear time and little memory."""
    decoder, lines = codecs.getincrementaldecoder("utf-8")(), 0
    with opened(file) as content:
        piece = None
        while piece != b"":
            piece = content.read(PIECE)
            try:
                decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                return no_utf8(error, lines)
            lines += piece.count(b"\n")
    return None


def no_utf8(error: UnicodeDecodeError, before: int) -> str:
    """Return which line and byte of a file is not UTF-8; `before` is how many of its lines precede what was decoded."""
    line = before + error.object.count(b"\n", 0, error.start) + 1
    return f"line {line} is not UTF-8 (byte 0x{error.object[error.start]:02X}); save it as UTF-8, or mend the line"
