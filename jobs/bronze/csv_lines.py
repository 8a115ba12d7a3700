"""What a line of a CSV file is by itself: blank, a comment, names or values. Needs nothing but Python."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from catalog.csv_format import DELIMITERS
from catalog.tables import Source

COMMENT = "#"
BLANK = ' \t\r"'  # what stands around a token and is no part of it
EMPTY = BLANK + "".join(DELIMITERS)  # all that is in the empty rows of a spreadsheet
SEPARATOR = re.compile(r"sep=(.?)", re.IGNORECASE)  # Excel's line about it
_NAME = re.compile(r"[^\W\d][\w .,()/\[\]%°-]*")
# Words that stand for a value, or where one is missing.
_NO_NAME = re.compile(
    r"true|false|t|f|yes|no|y|n|on|off|ok|nan|n/?a|null|none|nil|inf|-+|missing|un(known|available)|offline|invalid|err(or)?"
)
_VALUE = re.compile(r"[+-]?[.,]?\d[\d.,:/ TZE+-]*([AP]M)?", re.IGNORECASE)  # a number or a time
NUMBER = re.compile(r"[+-]?[\d.]")  # how a number or a time begins
TEXTS = frozenset({"STRING", "VARIANT"})


def is_other_header(tokens: Sequence[str], columns: Sequence[str], source: Source) -> bool:
    """Whether the tokens of a line are a header whose names are not those of its file, or in another order."""
    found = names(tokens, source)
    return found != [*columns] and (set(wanted(source)) <= set(found) or is_header(tokens, source))


def is_header(tokens: Sequence[str], source: Source) -> bool:
    """Whether the tokens of a line are names: all differ and look like some, and none is a value of its column.

    No number and no time looks like a name. Where all columns are text, nothing tells a name from a value.
    """
    folded = {token.casefold() for token in tokens}
    has_value = any(map(_NO_NAME.fullmatch, folded)) or not set(source.nulls).isdisjoint(tokens)
    if len(tokens) < 2 or len(folded) < len(tokens) or has_value:
        return False
    return all(map(_NAME.fullmatch, tokens)) and bool(places_of_numbers([*source.fields], source))


def has_values(tokens: Sequence[str], places: Iterable[int]) -> bool:
    """Whether a line has a number or a time at one of some places."""
    return any(at < len(tokens) and _VALUE.fullmatch(tokens[at]) for at in places)


def places_of_numbers(columns: Sequence[str], source: Source) -> list[int]:
    """Where numbers and times stand, counted from 0."""
    own = source.fields
    return [at for at, name in enumerate(columns) if own.get(name, "STRING") not in {*TEXTS, "BOOLEAN"}]


def has_comments(kinds: Iterable[str]) -> bool:
    """Whether a line that begins with # can be no record of columns of these types: the first is no text."""
    return next(iter(kinds)) not in TEXTS


def is_preamble(line: str, size: int, source: Source) -> bool:
    """Whether a line is about the file itself, wherever it stands; with as many tokens as a record it is one."""
    if not line.startswith(COMMENT):
        return bool(SEPARATOR.fullmatch(bare(line)))
    is_sized = len(tokens_of(line, source.delimiter)) == size
    return not is_sized and has_comments(source.fields.values()) and uncommented(line, source) == line


def uncommented(line: str, source: Source) -> str:
    """Return a header that is written as a comment without its #; other lines as they are."""
    text = line.lstrip(f"{COMMENT} \t") if line.startswith(COMMENT) else line
    return text if set(wanted(source)) <= set(names(tokens_of(text, source.delimiter), source)) else line


def is_blank(line: str) -> bool:
    """Whether a line holds nothing but separators and blanks."""
    return not line.strip(EMPTY)


def usual_header(source: Source) -> str:
    """The `bare` text, in small letters, of a header as the catalog has it."""
    return bare(source.delimiter.join(source.fields)).lower()


def bare(line: str) -> str:
    """Return a line without blanks and quotes."""
    return line.translate(dict.fromkeys(map(ord, BLANK)))


def tokens_of(line: str, delimiter: str) -> list[str]:
    """Return a line's tokens without the quotes and blanks around them."""
    found = _token(delimiter).findall(delimiter + line)
    return [token.strip(BLANK).replace('""', '"') for token in found]


def names(tokens: Sequence[str], source: Source) -> list[str]:
    """Return the tokens as names of columns: the source's own in whatever case they come, others as they are."""
    known = {name.casefold(): name for name in source.fields}
    known |= {theirs.casefold(): ours for theirs, ours in source.names}
    return [known.get(token.casefold(), token or unnamed(number)) for number, token in enumerate(tokens, 1)]


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
