"""What the first lines of a CSV file say about the others: which column stands where. Needs nothing but Python."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from catalog.csv_format import DELIMITERS
from catalog.tables import Source

HEAD = 100  # lines in which a header is looked for
COMMENT = "#"
# Values of spreadsheets that begin like a comment: errors of a formula, and what does not fit into its cell.
NO_COMMENT = r"^#((N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!)([,;|\t]|$)|#+[,;|\t])"
BLANK = ' \t\r"'  # what stands around a token and is no part of it
EMPTY = BLANK + "".join(DELIMITERS)  # all that is in the empty rows of a spreadsheet
FEW = 3  # records, too few to say that all of a file's are alike
_NO_COMMENT = re.compile(NO_COMMENT)
_SEPARATOR = re.compile(r"sep=(.?)", re.IGNORECASE)  # Excel's line about it
_NAME = re.compile(r"[^\W\d][\w .,()/\[\]%°-]*")
# Words that stand for a value, or where one is missing.
_NO_NAME = re.compile(
    r"true|false|t|f|yes|no|y|n|on|off|ok|nan|n/?a|null|none|nil|inf|-+|missing|un(known|available)|offline|invalid|err(or)?"
)
_NUMBER = re.compile(r"[+-]?[\d.]")  # how a number or a time begins
_TEXTS = frozenset({"STRING", "VARIANT"})


@dataclass(frozen=True)
class Layout:
    """What stands where in a CSV file.

    `names` are its columns in its order, the source's own as the catalog writes them; `no_records` the `bare` texts
    of its header and of the lines before it; `header` is the last line of it, 0 for none. `has_comments` says whether
    a line that begins with # can be no record, `is_usual` whether the catalog says all the same.
    """

    names: tuple[str, ...]
    no_records: tuple[str, ...]
    has_comments: bool
    header: int = 0
    is_usual: bool = False


class Unreadable(ValueError):
    """A file must not be read; the message says where, why and what to do."""


def layout(lines: Sequence[str], source: Source) -> Layout:
    """Return the layout of a file by its first lines. Raises Unreadable if its values could be mistaken for others."""
    written = {number: line for number, line in enumerate(lines, 1) if not is_blank(line)}
    for line in written.values():
        said = _SEPARATOR.fullmatch(line.strip(' \r"'))
        if said and said[1] not in ("", source.delimiter):
            raise _other_delimiter(said[1], source)
    tokens = {
        number: tokens_of(uncommented(line, source), source.delimiter)
        for number, line in written.items()
        if not is_preamble(line, source)
    }
    header = _header(tokens, source)
    if not header:
        if tokens:
            _refuse_without_header(min(tokens), written[min(tokens)], source)
        _refuse_other_sizes(list(tokens.values()), len(source.fields))
        return Layout(tuple(source.fields), (), has_comments(source.fields.values()), is_usual=True)
    found = names(tokens[header], source)
    _refuse_other_columns(found, header, source)
    for number in (number for number in tokens if number < header):
        if set(wanted(source)) <= set(names(tokens[number], source)):
            raise Unreadable(
                f"line {number} is another header than line {header}; bring a file for each header"
            )
        if _is_like_a_record(tokens[number], found, source):
            raise Unreadable(f"line {number} is like a record, and the header is line {header}; put it first")
    last = _last_of_header(header, tokens, source)
    _refuse_other_sizes([tokens[number] for number in tokens if number > last], len(found))
    is_usual = found == [*source.fields] and bare(written[header]).lower() == usual_header(source)
    return Layout(
        tuple(found),
        tuple(bare(line) for number, line in written.items() if number <= header),
        has_comments([source.fields.get(name, "STRING") for name in found]),
        last,
        is_usual and min(tokens) == header,
    )


def is_other_header(tokens: Sequence[str], of_file: Layout, source: Source) -> bool:
    """Whether the tokens of a line are a header whose names are not those of its file, or in another order."""
    found = names(tokens, source)
    return found != [*of_file.names] and (set(wanted(source)) <= set(found) or is_header(tokens, source))


def is_header(tokens: Sequence[str], source: Source) -> bool:
    """Whether the tokens of a line are names: all differ and look like some, and none is a value of its column.

    No number and no time looks like a name. Where all columns are text, nothing tells a name from a value.
    """
    folded = {token.casefold() for token in tokens}
    has_values = any(map(_NO_NAME.fullmatch, folded)) or not set(source.nulls).isdisjoint(tokens)
    if len(tokens) < 2 or len(folded) < len(tokens) or has_values:
        return False
    return all(map(_NAME.fullmatch, tokens)) and not set(source.fields.values()) <= {*_TEXTS, "BOOLEAN"}


def has_comments(kinds: Iterable[str]) -> bool:
    """Whether a line that begins with # can be no record of columns of these types: the first is no text."""
    return next(iter(kinds)) not in _TEXTS


def is_preamble(line: str, source: Source) -> bool:
    """Whether a line is about the file itself, wherever it stands."""
    is_comment = (
        line.startswith(COMMENT) and has_comments(source.fields.values()) and not _NO_COMMENT.match(line)
    )
    return (is_comment and uncommented(line, source) == line) or bool(_SEPARATOR.fullmatch(bare(line)))


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


def _header(tokens: Mapping[int, Sequence[str]], source: Source) -> int:
    """Return the line that names most columns; the first, if it looks like names that nobody knows; 0 without one."""
    known = {number: len(set(names(each, source)) & source.fields.keys()) for number, each in tokens.items()}
    if not known:
        return 0
    best, first = max(known, key=lambda number: known[number]), min(known)
    if known[best] >= min(2, len(source.fields)):
        return best
    return first if is_header(tokens[first], source) else 0


def _last_of_header(header: int, tokens: Mapping[int, Sequence[str]], source: Source) -> int:
    """Return the last of the lines right below a header that are names too, as those of units: no other header."""
    last = header
    while is_header(tokens.get(last + 1, ()), source) and not set(wanted(source)) & set(
        names(tokens[last + 1], source)
    ):
        last += 1
    return last


def _refuse_other_columns(found: Sequence[str], header: int, source: Source) -> None:
    """Raise Unreadable for a header under which values would stand under other names, or under none.

    A column that is only missing is null, one that is only new is rescued. Both together are one renamed.
    """
    if twice := sorted({name for name in found if found.count(name) > 1}):
        raise Unreadable(f"its header (line {header}) has {', '.join(twice)} twice; name each column once")
    known = (*source.fields, *map(unnamed, range(len(found) + 1)))
    unknown = [name for name in found if name not in known]
    missing = [name for name in source.fields if name not in found]
    if missing and (unknown or not set(wanted(source)) <= set(found)):
        said = [f"has {', '.join(unknown)[:200]}"] if unknown else []
        said.append(f"lacks {', '.join(missing)}")
        raise Unreadable(
            f"its header (line {header}) {' and '.join(said)}; bring {','.join(source.fields)}, "
            "or have `names` of the source say which is which"
        )


def _refuse_other_sizes(records: Sequence[Sequence[str]], size: int) -> None:
    """Raise Unreadable if none of the first records has as many values as there are columns."""
    sizes = {len(tokens) for tokens in records}
    if len(records) >= FEW and size not in sizes:
        raise Unreadable(
            f"its records have {' or '.join(map(str, sorted(sizes)))} values for {size} columns; "
            "name each column, or leave out the separator at the end of the lines"
        )


def _refuse_without_header(number: int, line: str, source: Source) -> None:
    """Raise Unreadable for a file without a header, unless its source's files have none; the line is its first."""
    for other in DELIMITERS:
        if len(set(names(tokens_of(line, other), source)) & source.fields.keys()) > 1:
            raise _other_delimiter(other, source)
    if source.header:
        raise Unreadable(
            f"line {number} is no header; put {source.delimiter.join(source.fields)} first, "
            "or say header = false of the source"
        )


def _other_delimiter(other: str, source: Source) -> Unreadable:
    return Unreadable(
        f"its values are separated by {other!r}, not {source.delimiter!r}; "
        f"bring it with these, or say delimiter = {other!r} of the source"
    )


def _is_like_a_record(tokens: Sequence[str], found: Sequence[str], source: Source) -> bool:
    """Whether a line has a value for each column of the key; with another size than the header, a number among them."""
    value = dict(zip(found, tokens, strict=False))
    key = [(value.get(name, ""), source.fields[name] in _TEXTS) for name in wanted(source)]
    is_sized = len(tokens) == len(found) or not all(is_text for _, is_text in key)
    return is_sized and all(token if is_text else _NUMBER.match(token) for token, is_text in key)
