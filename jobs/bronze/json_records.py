"""JSON that is not one object a line: arrays, documents with records inside, several objects on one line.

Each record becomes a line, in the characters of the original: no number and no string is written anew. What it is to
have of the document around it stands in front, as its member `$`. Needs nothing but Python.
"""

import json
import re
from collections.abc import Generator, Iterable, Iterator, Sequence

from catalog.json_path import Path
from catalog.records import without_records
from jobs.bronze.json_envelope import Level, levels_of, with_envelope

# What may stand between records: the mark of RFC 7464, byte order marks of files that were put together, and the end
# of a file as DOS has it.
_BETWEEN = re.compile("[ \t\r\n,\x1a\x1e\ufeff]*")
_BLANK = re.compile(r"[ \t\r\n]*")
_HALVES = re.compile("[\ud800-\udfff]")
_BREAKS = re.compile(r"[\r\n]+")
# Numbers stay texts: whole ones of more than 4,300 digits would be an error.
_decode = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode
_SHOWN = 40  # characters of what was found instead

MOST_AROUND = 256 << 20  # characters that the records of a text may have of what is around them, all together

# A record, and what it is to have of each object around it, the outermost first.
Found = tuple[str, tuple[str, ...]]
Records = Generator[Found, None, int]  # yields records, returns the position behind them


class Fault(ValueError):
    """A text lacks a record where one should be; the message says line, column and what was found."""

    def __init__(self, text: str, position: int, wanted: str) -> None:
        line = text.count("\n", 0, position) + 1
        column = position - text.rfind("\n", 0, position)
        found = repr(text[position : position + _SHOWN]) if position < len(text) else "the end"
        super().__init__(f"line {line}, column {column}: {wanted}, found {found}")


def records(text: str, path: str = "", around: Sequence[Path] = ()) -> Iterator[str]:
    """Yield the records of a text, each on one line: all objects, also those in arrays.

    `path` says where they lie in each object of the text, as in `data.items`; `around` leads to what each has of that
    object, or of the one in an array of them in which it lies, as in `$.data.site`. Raises Fault.
    """
    levels, position, most = levels_of(path, around), 0, MOST_AROUND
    try:
        while (start := _behind(_BETWEEN, text, position)) < len(text):
            found = _Behind(_records_at(text, start, levels))
            for record, kept in found:
                line = with_envelope(record, kept, levels) if around else record
                if (most := most - len(line) + len(record)) < 0:
                    raise Fault(text, start, "too much is around the records that each of them is to have")
                yield line
            position = found.position
    except json.JSONDecodeError as error:
        raise Fault(text, error.pos, error.msg) from None
    except RecursionError:
        raise Fault(text, position, "too many brackets within each other") from None


def lines_of(message: str) -> list[str]:
    """Return the lines as which a message is landed: a record each, or the message itself where it has none."""
    if is_one_object(message):
        return [_on_one_line(message)]
    try:
        return [*records(message)]
    except Fault:
        lines = [line for line in message.split("\n") if line.strip()]
        return [*each_by_itself(lines)] if are_lines(lines) else [_on_one_line(message)]


def each_by_itself(lines: Iterable[str], path: str = "", around: Sequence[Path] = ()) -> Iterator[str]:
    """Yield the records of lines, as `records` does; a line that cannot be read stays, and becomes a malformed record.

    So does an object without records at `path`, which would pass for a record itself: that stands before it.
    """
    for line in lines:
        try:
            yield from [line] if is_one_object(line) and not path else [*records(line, path, around)]
        except Fault:
            yield without_records(path) + line if path and is_one_object(line) else line


def are_lines(lines: Sequence[str]) -> bool:
    """Whether a text, of which these are the first lines, has an object a line, though some may be broken."""
    whole = [is_one_object(line) for line in lines]
    return not lines or whole[0] or sum(whole) > len(whole) / 2


def are_batches(lines: Sequence[str]) -> bool:
    """Whether a text, of which these are the first lines, has whole records on each, though some may be broken.

    Of a document over several lines, the first line only opens it, and objects within it have commas behind them.
    """
    whole = [is_whole(line) for line in lines]
    alone = [each and not line.rstrip().endswith(",") for each, line in zip(whole, lines, strict=True)]
    return whole[0] or sum(alone) > len(lines) / 2


def has_several(line: str) -> bool:
    """Whether a line that is not one object has records nevertheless."""
    try:
        return not is_one_object(line) and any(True for _ in records(line))
    except Fault:
        return False


def is_whole(text: str, path: str = "") -> bool:
    """Whether a text has records, and nothing that is none."""
    try:
        return sum(1 for _ in records(text, path)) > 0
    except Fault:
        return False


def is_one_object(text: str) -> bool:
    """Whether a text is one whole object and nothing else."""
    stripped = text.strip(" \t\r\n")
    if not (stripped.startswith("{") and stripped.endswith("}")):
        return False
    try:
        return bool(_decode(stripped)[1] == len(stripped))
    except (ValueError, RecursionError):
        return False


class _Behind:
    """Records, and once all have been taken, the position behind them."""

    def __init__(self, found: Records) -> None:
        self.found, self.position = found, 0

    def __iter__(self) -> Iterator[Found]:
        self.position = yield from self.found


def _records_at(text: str, position: int, levels: Sequence[Level]) -> Records:
    """Yield the records of the value at a position."""
    opening = text[position : position + 1]
    if opening == "[":
        return (yield from _elements(text, position, levels))
    if opening == '"':
        return (yield from _within_text(text, position, levels))
    if opening != "{":
        raise Fault(text, position, "an object is wanted")
    if levels:
        return (yield from _members(text, position, levels))
    _, end = _decode(text, position)
    yield _on_one_line(text[position:end]), ()
    return end


def _within_text(text: str, position: int, levels: Sequence[Level]) -> Records:
    """Yield the records of a string that is JSON itself, from its first character to its last."""
    inner, end = _decode(text, position)
    found, inside = _Behind(_records_at(inner, _behind(_BLANK, inner, 0), levels)), []
    try:
        inside.extend(found)
        is_json = _behind(_BLANK, inner, found.position) == len(inner)
    except (Fault, json.JSONDecodeError):
        is_json = False
    # Half of a character, or bytes that are no UTF-8, would stand in a line by themselves.
    if not is_json or _HALVES.search(inner):
        raise Fault(text, position, "an object is wanted")
    yield from inside
    return int(end)


def _elements(text: str, position: int, levels: Sequence[Level]) -> Records:
    """Yield the records of an array. A comma behind the last one is no matter."""
    position = _behind(_BLANK, text, position + 1)
    while not text.startswith("]", position):
        position = _behind(_BLANK, text, (yield from _records_at(text, position, levels)))
        position = _separated(text, position, "]")
    return position + 1


def _members(text: str, start: int, levels: Sequence[Level]) -> Records:
    """Yield the records of an object's member that the path names, after all of it if they are to have others."""
    level, *rest = levels
    around: list[str] = []
    waiting: list[Found] = []
    is_found, position = False, _behind(_BLANK, text, start + 1)
    while not text.startswith("}", position):
        begin = position
        name, position = _named(text, position)
        if name == level.name and not rest and text.startswith("null", position):
            is_found, position = True, position + len("null")
        elif name == level.name:
            is_found, found = True, _Behind(_records_at(text, position, rest))
            if level.is_kept:
                waiting.extend(found)
            else:
                yield from found
            position = found.position
        else:
            _, position = _decode(text, position)
            if name in level.around:
                around.append(_on_one_line(text[begin:position]))
        position = _separated(text, _behind(_BLANK, text, position), "}")
    if not is_found:
        raise Fault(text, start, f"an object with {level.name} is wanted")
    members = ",".join(around)
    yield from ((record, (members, *kept)) for record, kept in waiting)
    return position + 1


def _named(text: str, position: int) -> tuple[str, int]:
    """Return the name of a member, and the position of its value."""
    name, position = _decode(text, position)
    position = _behind(_BLANK, text, position)
    if not isinstance(name, str) or not text.startswith(":", position):
        raise Fault(text, position, "a name and ':' are wanted")
    return name, _behind(_BLANK, text, position + 1)


def _separated(text: str, position: int, closing: str) -> int:
    """Return the position behind a comma, or that of the closing bracket."""
    if text.startswith(",", position):
        return _behind(_BLANK, text, position + 1)
    if not text.startswith(closing, position):
        raise Fault(text, position, f"',' or '{closing}' is wanted")
    return position


def _behind(pattern: re.Pattern[str], text: str, position: int) -> int:
    matched = pattern.match(text, position)
    return matched.end() if matched else position


def _on_one_line(text: str) -> str:
    """A line break in JSON only separates tokens."""
    return _BREAKS.sub(" ", text.strip(" \t\r\n"))
