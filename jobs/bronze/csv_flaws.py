"""A CSV file before Spark reads it: one pass over its bytes, which finds what no single line can show.

To Spark each line stands by itself: it does not know which column stands where in its file, nor whether the line
before it ended within quotes.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO

from catalog.tables import Source
from jobs.bronze import csv_layout, csv_lines
from jobs.bronze.csv_layout import Layout, Unreadable
from jobs.bronze.text_files import no_utf8, opened, with_line_feeds

PIECE = 1 << 20  # bytes that are looked at together; no line may be longer
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_MARKS = rb"[\"#\[\]']|\xef\xbb\xbf"  # what stands around a name, besides blanks
_ALL_BUT_QUOTES = bytes(set(range(256)) - set(b'"\n'))
_NO_LETTERS = bytes(at for at in range(128) if not chr(at).isalpha())
_SMALL = bytes(range(256)).lower()
_OPEN_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*+\\\n")


def flaw(file: Path, source: Source) -> str | None:
    """Return the reason why a file must not be read; None if it may be.

    Takes time linear in the file's size, and memory for a few pieces of it.
    """
    try:
        with opened(file) as content:
            of_file: Layout | None = None
            for before, block in _blocks(content):
                text = _decoded(block, before)
                of_file = of_file or _layout(text, source)
                _refuse_open_values(block, before, source)
                _refuse_other_headers(block, before, of_file, source)
    except Unreadable as reason:
        return str(reason)
    return None


def layout(file: Path, source: Source) -> Layout:
    """Return what stands where in a file that has no flaw."""
    with opened(file) as content:
        return _layout(next((block.decode() for _, block in _blocks(content)), ""), source)


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
            block, rest = with_line_feeds(rest[:end]), rest[end:]
            yield lines, block
            lines += block.count(b"\n")
    if rest:
        yield lines, with_line_feeds(rest + b"\n")


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
        raise Unreadable(no_utf8(error, before)) from None


def _refuse_open_values(block: bytes, before: int, source: Source) -> None:
    """Raise Unreadable for a value that goes on in the next line, and for escapes that the source has not."""
    if source.escapes:
        if (b"\\\n" in block) and (found := _OPEN_ESCAPE.search(block)):
            raise Unreadable(
                f"line {_line(block, found.start(), before)} ends with a backslash: its value has a line break; "
                "bring values without line breaks, as REPLACE(text, '\\n', ' ') makes them"
            )
        return
    _refuse_open_quotes(block, before, source.delimiter)
    is_null = csv_lines.NULL in source.nulls
    if not is_null and b"\\N" in block and (found := _null(source.delimiter).search(b"\n" + block)):
        raise Unreadable(
            f"line {_line(block, found.start(), before)} has \\N for no value, as MySQL and PostgreSQL write it; say "
            "escapes = \"backslash\" of the source, or nulls = ['\\N'] where no value has other backslashes"
        )


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
    start = 0
    for _ in range(of_file.header - before):
        start = block.find(b"\n", start) + 1 or len(block)
    below, columns = block[start:], of_file.names
    of_export = {*of_file.no_records, *of_file.units}  # and of others like it, joined in one file
    texts = lru_cache(partial(_texts, block, columns, source))
    for at, line in _candidates(below, of_file, source):
        if csv_lines.bare(line) in of_export:
            continue
        tokens = csv_lines.tokens_of(line.lstrip(csv_lines.MARKS + " "), source)
        is_header = csv_lines.is_other_header(tokens, columns, source) or (
            csv_lines.may_be_header(tokens, columns, source) and texts().isdisjoint(enumerate(tokens))
        )
        if is_header:
            raise Unreadable(
                f"line {_line(block, start + at, before)} is another header, {line[:200]}; "
                "bring a file for each header"
            )


def _candidates(block: bytes, of_file: Layout, source: Source) -> Iterator[tuple[int, str]]:
    """Yield the lines that may be a header, with their places in the block."""
    yield from _lines_with_names(block, source)
    if csv_lines.are_names_recognisable(of_file.names, source):
        for found in _like_names(source.delimiter).finditer(b"\n" + block):
            yield found.start(), found[1].decode()


def _lines_with_names(block: bytes, source: Source) -> Iterator[tuple[int, str]]:
    """Yield the lines in which two tokens are names of columns, or as many as the key has."""
    names, least = _names_in_small(source), min(2, len(csv_lines.wanted(source)))
    letters = _letters(block)
    if sum(_letters(name) in letters for name in names) < least:
        return
    small = b"\n" + block.lower()
    begin, end, count = 0, 0, 0  # of a line in `small`, of its last name, how many it has
    for found in _one_of(names, source.delimiter).finditer(small):
        if (last := small.rfind(b"\n", end, found.start() + 1)) >= 0:
            begin, count = last + 1, 0
        end, count = found.end(), count + 1
        if count == least:
            yield begin - 1, block[begin - 1 : small.index(b"\n", begin) - 1].decode()


def _letters(text: bytes) -> bytes:
    """Return the letters of a text, ASCII ones small: of most blocks, little is left to look through."""
    return text.translate(_SMALL, _NO_LETTERS)


def _texts(block: bytes, columns: Sequence[str], source: Source) -> set[tuple[int, str]]:
    """Return what the records of a block have in columns of text, with the column's place."""
    numbers = csv_lines.places_of_numbers(columns, source)
    places = sorted({*range(len(columns))} - {*numbers})
    found: set[tuple[int, str]] = set()
    for line in block.decode().split("\n") if places else ():
        tokens = csv_lines.tokens_of(line, source)
        if len(tokens) == len(columns) and csv_lines.has_values(tokens, numbers):
            found.update((at, tokens[at]) for at in places)
    return found


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
def _null(delimiter: str) -> re.Pattern[bytes]:
    """A token that MySQL and PostgreSQL write for no value."""
    d = re.escape(delimiter).encode()
    return re.compile(rb"[\n%s]\\N(?=[%s\n])" % (d, d))


@lru_cache
def _like_names(delimiter: str) -> re.Pattern[bytes]:
    """A line whose tokens begin with letters."""
    d, blank = _patterns(delimiter)
    around, letter = rb"(?:%s|%s)*+" % (blank, _MARKS), rb"[A-Za-z_\x80-\xff]"
    quoted = rb"%s*+\"%s[^\"\n]*+\"%s*+(?=[%s\n])" % (blank, letter, blank, d)
    name = rb"(?:%s|%s%s[^%s\n]*+)" % (quoted, around, letter, d)
    return re.compile(rb"\n(%s(?:%s%s)++)(?=\n)" % (name, d, name))


@lru_cache
def _one_of(names: tuple[bytes, ...], delimiter: str) -> re.Pattern[bytes]:
    """A token that is one of some names."""
    d, blank = _patterns(delimiter)
    around = rb"(?:%s|%s)*+" % (blank, _MARKS)
    return re.compile(
        rb"[\n%s]%s(?:%s)%s(?=[%s\n])" % (d, around, b"|".join(map(re.escape, names)), around, d)
    )


@lru_cache
def _names_in_small(source: Source) -> tuple[bytes, ...]:
    """The names that a column of the source may have, as they stand in a block whose ASCII letters are small."""
    names = [
        name.strip(csv_lines.MARKS) for name in (*source.fields, *[theirs for theirs, _ in source.names])
    ]
    cases = {case.encode().lower() for name in names if name for case in (name, name.lower(), name.upper())}
    return tuple(sorted(cases, key=len, reverse=True))


def _patterns(delimiter: str) -> tuple[bytes, bytes]:
    """A delimiter, and the blanks that may stand beside it, for use in patterns."""
    return re.escape(delimiter).encode(), csv_lines.blanks(delimiter).encode()
