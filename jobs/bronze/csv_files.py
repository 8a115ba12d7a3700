"""A CSV file before Spark reads it: one pass over its bytes, which finds what no single line can show.

To Spark each line stands by itself: it does not know which column stands where in its file, nor whether the line
before it ended within quotes.
"""

import gzip
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, cast

from catalog.tables import Source
from jobs.bronze import csv_layout, csv_lines
from jobs.bronze.csv_layout import Layout, Unreadable

PIECE = 1 << 20  # bytes that are looked at together; no line may be longer
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ALL_BUT_QUOTES = bytes(set(range(256)) - set(b'"\n'))


def flaw(file: Path, source: Source) -> str | None:
    """Return the reason why a file must not be read; None if it may be.

    Takes time linear in the file's size, and memory for a few pieces of it.
    """
    try:
        with _opened(file) as content:
            of_file: Layout | None = None
            for before, block in _blocks(content):
                text = _decoded(block, before)
                of_file = of_file or _layout(text, source)
                _refuse_open_quotes(block, before, source.delimiter)
                _refuse_other_headers(block, before, of_file, source)
    except Unreadable as reason:
        return str(reason)
    return None


def layout(file: Path, source: Source) -> Layout:
    """Return what stands where in a file that has no flaw."""
    with _opened(file) as content:
        return _layout(next((block.decode() for _, block in _blocks(content)), ""), source)


def _opened(file: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(file) if file.suffix == ".gz" else file.open("rb"))


def _layout(text: str, source: Source) -> Layout:
    first = text.removeprefix("\ufeff").split("\n", csv_layout.HEAD)[: csv_layout.HEAD]
    return csv_layout.layout(first, source)


def _blocks(content: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the file in blocks of whole lines, each ended by a line feed, with how many lines are before a block."""
    lines, rest = 0, b""
    while piece := content.read(PIECE):
        rest += piece
        # A carriage return at the end may be half of a line's end.
        ends = rest.find(b"\n"), rest.find(b"\r", 0, -1)
        first = min((end for end in ends if end >= 0), default=len(rest))
        if first > PIECE:
            raise Unreadable(f"line {lines + 1} is longer than {PIECE:,} bytes; bring one record a line")
        if first < len(rest):
            end = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, -1)) + 1
            block, rest = _with_line_feeds(rest[:end]), rest[end:]
            yield lines, block
            lines += block.count(b"\n")
    if rest:
        yield lines, _with_line_feeds(rest + b"\n")


def _with_line_feeds(block: bytes) -> bytes:
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in block else block


def _decoded(block: bytes, before: int) -> str:
    if before == 0 and block.startswith(_UTF16):
        raise Unreadable("it is UTF-16; save it as UTF-8")
    if (at := block.find(b"\0")) >= 0:
        raise Unreadable(
            f"line {_line(block, at, before)} has a NUL byte, as UTF-16 and damaged files have; "
            "save it as UTF-8, or bring it whole"
        )
    try:
        return block.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"line {_line(block, error.start, before)} is not UTF-8 (byte 0x{block[error.start]:02X}); "
            "save it as UTF-8, or mend the line"
        ) from None


def _refuse_open_quotes(block: bytes, before: int, delimiter: str) -> None:
    # Within a line its quotes are neighbors here, and only an odd number of them leaves one.
    if b'"' not in block or b'"' not in block.translate(None, _ALL_BUT_QUOTES).replace(b'""', b""):
        return
    for number, line in enumerate(block.split(b"\n"), before + 1):
        if line.count(b'"') % 2 and _open_quotes(delimiter).fullmatch(line):
            raise Unreadable(
                f"line {number} ends within quotes; bring values without line breaks, and close each quote"
            )


def _refuse_other_headers(block: bytes, before: int, of_file: Layout, source: Source) -> None:
    for at, line in (*_lines_of_names(block, source), *_lines_with_the_key(block, source)):
        tokens = csv_lines.tokens_of(csv_lines.uncommented(line, source), source.delimiter)
        if csv_lines.is_other_header(tokens, of_file.names, source):
            number = _line(block, at, before)
            if number > of_file.header:
                raise Unreadable(
                    f"line {number} is another header, {line[:200]}; bring a file for each header"
                )


def _lines_of_names(block: bytes, source: Source) -> Iterator[tuple[int, str]]:
    """Yield the lines all of whose tokens may be names, with their places in the block."""
    for found in _like_names(source.delimiter).finditer(b"\n" + block):
        yield found.start(), found[1].decode()


def _lines_with_the_key(block: bytes, source: Source) -> Iterator[tuple[int, str]]:
    """Yield the lines that may name the columns of the key, whatever else they have, with their places in the block."""
    small = block.lower()
    spellings = [
        [name, *[theirs for theirs, ours in source.names if ours == name]]
        for name in csv_lines.wanted(source)
    ]
    wanted = [[each.lower().encode() for each in those] for those in spellings]
    if not all(any(each in small for each in those) for those in wanted):
        return
    place = 0
    for line in small.split(b"\n"):
        if all(any(each in line for each in those) for those in wanted):
            yield place, block[place : place + len(line)].decode()
        place += len(line) + 1


def _line(block: bytes, at: int, before: int) -> int:
    return before + block.count(b"\n", 0, at) + 1


@lru_cache
def _open_quotes(delimiter: str) -> re.Pattern[bytes]:
    """A line whose last token begins with a quote that nothing closes."""
    d, blank = _patterns(delimiter)
    quoted = rb'%s*+"[^"]*+(?:""[^"]*+)*+' % blank
    token = rb"(?:%s\"(?!\")[^%s]*+|(?!%s*\")[^%s]*+)" % (quoted, d, blank, d)
    return re.compile(rb"(?:%s%s)*+%s" % (token, d, quoted))


@lru_cache
def _like_names(delimiter: str) -> re.Pattern[bytes]:
    """A line whose tokens begin with letters; the first may be blank, as that of row numbers, and the last ones."""
    d, blank = _patterns(delimiter)
    name = rb'(?:%s|")*[A-Za-z_\x80-\xff][^%s\n]*+' % (blank, d)
    return re.compile(
        rb'\n((?:%s|(?:%s|")*)%s%s(?:%s%s)*+[%s \t"]*+)(?=\n)' % (name, blank, d, name, d, name, d)
    )


def _patterns(delimiter: str) -> tuple[bytes, bytes]:
    """A delimiter, and the blanks that may stand beside it, for use in patterns."""
    return re.escape(delimiter).encode(), csv_lines.blanks(delimiter).encode()
