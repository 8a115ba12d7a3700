"""What a line of a CSV file is by itself: blank, a comment, names or values. Needs nothing but Python."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from catalog.csv_format import DELIMITERS
from catalog.tables import Source

COMMENT = "#"
BLANK = ' \t\r"'  # what stands around a token and is no part of it
_WITHOUT_BLANKS = dict.fromkeys(map(ord, BLANK))
END_OF_FILE = (
    "\x1a"  # Ctrl-Z, with which DOS, loggers and transfers by XMODEM fill up the last block of a file
)
EMPTY = BLANK + END_OF_FILE + "".join(DELIMITERS)  # all that is in the empty rows of a spreadsheet
MARKS = f"\ufeff{COMMENT}[]'"  # what stands around the names of some headers
SEPARATOR = re.compile(r"sep=(.?)", re.IGNORECASE)  # Excel's line about it
NULL = "\\N"  # no value, to MySQL and PostgreSQL
END_OF_COPY = "\\."  # stands below what PostgreSQL's COPY writes, in a dump
# What an escape means whose letter is not itself what is meant.
ESCAPED = {"0": "\0", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "Z": END_OF_FILE}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
NUMBER = re.compile(r"[+-]?[\d.]")  # how a number or a time begins
TEXTS = frozenset({"STRING", "VARIANT"})
_NAME = re.compile(r"[^\W\d].*")
_VALUE = re.compile(r"[+-]?[.,]?\d[\d.,:/ TZE+-]*([AP]M)?", re.IGNORECASE)  # a number or a time
CLOCK = re.compile(r"\d{1,2}(:\d\d){1,2}")  # a time without a day
# A number, with its unit if it has one, or a time without a day: no instant is written so.
_NO_TIME = re.compile(rf"[+-]?\d{{1,8}}([.,]\d*)?(\s*[^\d\s:/-]\D*)?|{CLOCK.pattern}")
# Words that stand for a value, or where one is missing.
_NO_NAME = re.compile(
    r"true|false|t|f|yes|no|y|n|on|off|ok|nan|n/?a|null|none|nil|inf|-+|missing|un(known|available)|offline|invalid|err(or)?"
)


def is_header(tokens: Sequence[str], source: Source) -> bool:
    """Whether the tokens of a line are names: all differ, all look like names, and none is a value of its column.

    No number and no time looks like a name. Where all columns are text, a name looks like a value.
    """
    folded = {token.casefold() for token in tokens}
    has_value = any(map(_NO_NAME.fullmatch, folded)) or not set(source.nulls).isdisjoint(tokens)
    if len(tokens) < 2 or len(folded) < len(tokens) or has_value:
        return False
    return all(map(_NAME.fullmatch, tokens)) and bool(places_of_numbers([*source.fields], source))


def is_other_header(tokens: Sequence[str], columns: Sequence[str], source: Source) -> bool:
    """Whether a line is another header than its file's: it names two columns of the source, or all of its key.

    A line that has a number or a time where its file has the key is a record, even if other values are such names.
    """
    found = loose_names(tokens, source)
    own = source.fields.keys() & set(found)
    is_of_names = len(own) > 1 or own >= {*wanted(source)}
    return is_of_names and found != [*columns] and not has_values(tokens, places_of_key(columns, source))


def may_be_header(tokens: Sequence[str], columns: Sequence[str], source: Source) -> bool:
    """Whether a line has other words for all columns of its file, as a header that nobody knows would have."""
    if len(tokens) != len(columns) or not is_header([token.strip(MARKS) for token in tokens], source):
        return False
    return loose_names(tokens, source) != [*columns]


def are_names_recognisable(columns: Sequence[str], source: Source) -> bool:
    """Whether words can be recognised as names: they stand where the key has a number or a time, or two columns do.

    A single word where a number is wanted, in a row with its key, is a value missing.
    """
    places = places_of_key(columns, source)
    return len(places) > 1 or any(columns[at] in source.key for at in places)


def has_values(tokens: Sequence[str], places: Iterable[int]) -> bool:
    """Whether a line has a number or a time at one of some places."""
    return any(at < len(tokens) and _VALUE.fullmatch(tokens[at]) for at in places)


def is_label(token: str, source: Source) -> bool:
    """Whether a token is a word, and no value or one that is missing."""
    is_missing = token in source.nulls or _NO_NAME.fullmatch(token.casefold())
    return bool(_NAME.fullmatch(token)) and not is_missing


def may_be_time(token: str) -> bool:
    """Whether a token may say an instant, in whatever way."""
    return bool(NUMBER.match(token)) and not _NO_TIME.fullmatch(token)


def places_of_key(columns: Sequence[str], source: Source) -> list[int]:
    """Where the numbers and times of the key stand, counted from 0; if it has none, where all stand."""
    places = places_of_numbers(columns, source)
    return [at for at in places if columns[at] in source.key] or places


def places_of_numbers(columns: Sequence[str], source: Source) -> list[int]:
    """Where numbers and times stand, counted from 0."""
    own = source.fields
    return [at for at, name in enumerate(columns) if own.get(name, "STRING") not in {*TEXTS, "BOOLEAN"}]


def begins_with_text(columns: Iterable[str], source: Source) -> bool:
    """Whether the first of some columns is a text, so that a line that begins with # may be a row."""
    return source.fields.get(next(iter(columns)), "STRING") in TEXTS


def is_preamble(line: str, size: int, source: Source) -> bool:
    """Whether a line is about the file itself, wherever it stands; with as many tokens as a record it is one."""
    if not line.startswith(COMMENT):
        is_end = bool(source.escapes) and line.rstrip() == END_OF_COPY
        return is_end or bool(SEPARATOR.fullmatch(bare(line)))
    is_sized = len(tokens_of(line, source)) == size
    may_be = source.comments or not begins_with_text(source.fields, source)
    return not is_sized and may_be and uncommented(line, source) == line


def uncommented(line: str, source: Source) -> str:
    """Return a header that is written as a comment without its #; other lines as they are."""
    text = line.lstrip(f"{COMMENT} \t") if line.startswith(COMMENT) else line
    return text if set(wanted(source)) <= set(names(tokens_of(text, source), source)) else line


def is_blank(line: str) -> bool:
    """Whether a line holds nothing but separators and blanks."""
    return not line.strip(EMPTY)


def usual_header(source: Source) -> str:
    """The `bare` text, in small letters, of a header as the catalog has it."""
    return bare(source.delimiter.join(source.fields)).lower()


def bare(line: str) -> str:
    """Return a line without blanks and quotes."""
    return line.translate(_WITHOUT_BLANKS)


def tokens_of(line: str, source: Source, delimiter: str = "") -> list[str]:
    """Return a line's tokens without the quotes and blanks around them; by default by the delimiter of the source.

    Where backslashes escape, quotes are characters as others are.
    """
    delimiter = delimiter or source.delimiter
    if source.escapes:
        tokens = _escaped_token(delimiter).findall(delimiter + line)
        return ["" if token == NULL else _ESCAPE.sub(_meant, token).strip(" ") for token in tokens]
    if '"' not in line:
        return [token.strip(BLANK) for token in line.split(delimiter)]
    found = _token(delimiter).findall(delimiter + line)
    return [token.strip(BLANK).replace('""', '"') for token in found]


def _meant(escape: re.Match[str]) -> str:
    return ESCAPED.get(escape[1], escape[1])


def names(tokens: Sequence[str], source: Source) -> list[str]:
    """Return the tokens as names of columns: the source's own in whatever case they come, others as they are."""
    known = known_names(source)
    return [known.get(token.casefold(), token or unnamed(number)) for number, token in enumerate(tokens, 1)]


def loose_names(tokens: Sequence[str], source: Source) -> list[str]:
    """Return the tokens as names of columns, the source's own whatever marks are around them."""
    known, own = known_names(source), source.fields
    return [
        name if name in own else known.get(token.strip(MARKS).casefold(), name)
        for token, name in zip(tokens, names(tokens, source), strict=True)
    ]


def twice(columns: Sequence[str], source: Source) -> list[str]:
    """The names that several columns of a file have, other than the two that are the day and the time of an instant."""
    parts = names_of_parts(source)
    return sorted(name for name, count in Counter(columns).items() if count > 1 + (name in parts))


def names_of_parts(source: Source) -> set[str]:
    """The columns that a file may have in two parts, the day and the time: instants to which two names lead."""
    counts = Counter(ours for _, ours in source.names)
    return {name for name, count in counts.items() if count > 1 and source.fields[name] == "TIMESTAMP"}


@lru_cache
def known_names(source: Source) -> Mapping[str, str]:
    """All names that the source's columns may have, in small letters, and the columns."""
    own = {name.casefold(): name for name in source.fields}
    return own | {theirs.casefold(): ours for theirs, ours in source.names}


def unnamed(number: int) -> str:
    """What a column without a name is called, counted from 1."""
    return f"column {number}"


def wanted(source: Source) -> list[str]:
    """The columns without which a line is no header of the source: those of the key."""
    return [name for name in source.key if name in source.fields] or list(source.fields)


def blanks(delimiter: str) -> str:
    """A pattern of the blanks that may stand around a token in quotes."""
    return "[ ]" if delimiter == "\t" else "[ \t]"


@lru_cache
def _token(delimiter: str) -> re.Pattern[str]:
    """A delimiter and the token behind it; within quotes, delimiters are text and quotes are doubled."""
    d = re.escape(delimiter)
    return re.compile(rf'{d}((?:{blanks(delimiter)}*+"[^"]*+(?:""[^"]*+)*+"(?!"))?[^{d}]*+)')


@lru_cache
def _escaped_token(delimiter: str) -> re.Pattern[str]:
    """A delimiter and the token behind it, in which a backslash takes the next character along."""
    d = re.escape(delimiter)
    return re.compile(rf"{d}((?:[^{d}\\]|\\.)*+)", re.DOTALL)
