"""Where records lie in a text of JSON, found by reading it once from its beginning. Needs nothing but Python."""

import json
import re
from base64 import b64decode
from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple

from jobs.bronze.json_envelope import Level, nearly
from jobs.bronze.json_senml import Pack
from jobs.json_patterns import BASE64, NO_NUMBER

_BLANK = re.compile(r"[ \t\r\n]*")
_HALVES = re.compile("[\ud800-\udfff]")
_BREAKS = re.compile(r"[\r\n]+")
# Numbers stay texts: whole ones of more than 4,300 digits would be an error.
decode = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode
# Strings first: what is within one is none of it.
_STRING_OR_NO_NUMBER = re.compile(rf'"(?:[^"\\]|\\.)*+"|{NO_NUMBER}', re.DOTALL)
_NO_NUMBER = re.compile(NO_NUMBER)
_DECODED = ("NaN", "Infinity", "-Infinity")
_SHOWN = 40  # characters of what was found instead


class Fault(ValueError):
    """A text lacks a record where one should be; the message says line, column and what was found.

    `flaw` is why an object is no record of SenML, if so.
    """

    def __init__(self, text: str, position: int, wanted: str, flaw: str = "") -> None:
        super().__init__(wanted)
        self.text, self.position, self.wanted, self.flaw = text, position, wanted, flaw

    def __str__(self) -> str:
        """Lines are counted only for a fault that is shown: a text may have many that are not."""
        line = self.text.count("\n", 0, self.position) + 1
        column = self.position - self.text.rfind("\n", 0, self.position)
        rest = self.text[self.position : self.position + _SHOWN]
        return f"line {line}, column {column}: {self.wanted}, found {repr(rest) if rest else 'the end'}"


class Lacking(NamedTuple):
    """An object that is whole and has no records where they should lie."""

    text: str
    fault: Fault


# A record, and what it is to have of each object around it, the outermost first; or what has none.
Found = tuple[str, tuple[str, ...]] | Lacking
Records = Generator[Found, None, int]  # yields records, returns the position behind them


class Way(NamedTuple):
    """What leads to records."""

    levels: Sequence[Level]
    is_senml: bool
    pack: Pack | None = None  # whose records are those of an array

    @property
    def inside(self) -> "Way":
        """The way from the member of the outermost level on."""
        return self._replace(levels=self.levels[1:])


class Behind:
    """Records, and once all have been taken, the position behind them."""

    def __init__(self, found: Records) -> None:
        self.found, self.position = found, 0

    def __iter__(self) -> Iterator[Found]:
        self.position = yield from self.found


def records_or_itself(text: str, position: int, way: Way) -> Records:
    """Yield the records of the value at a position; of an object on the way to records that has none, itself."""
    found, is_begun = Behind(records_at(text, position, way)), False
    try:
        for each in found:
            is_begun = True
            yield each
    except Fault as fault:
        if is_begun or not way.levels or not text.startswith("{", position):
            raise
        _, end = decode(text, position)
        yield Lacking(on_one_line(text[position:end]), fault)
        return int(end)
    return found.position


def records_at(text: str, position: int, way: Way) -> Records:
    """Yield the records of the value at a position. Raises Fault."""
    opening = text[position : position + 1]
    if opening == "[":
        return (yield from _elements(text, position, way))
    if opening == '"':
        return (yield from _within_text(text, position, way))
    if opening != "{":
        raise Fault(text, position, "an object is wanted")
    if way.levels:
        return (yield from _members(text, position, way))
    _, end = decode(text, position)
    record = on_one_line(text[position:end])
    if way.is_senml:
        try:
            record = (way.pack or Pack()).resolved(record)
        except ValueError as error:
            raise Fault(text, position, f"SenML is wanted ({error})", str(error)) from None
    yield record, ()
    return end


def _within_text(text: str, position: int, way: Way) -> Records:
    """Yield the records of a string that is JSON itself, from its first character to its last, plain or in base64."""
    string, end = decode(text, position)
    inner = with_strings(_plain(string))
    found = Behind(records_or_itself(inner, behind(_BLANK, inner, 0), way))
    inside: list[Found] = []
    try:
        inside.extend(found)
        is_json = behind(_BLANK, inner, found.position) == len(inner)
    except (Fault, json.JSONDecodeError):
        is_json = False
    # Half of a character, or bytes that are no UTF-8, would stand in a line by themselves.
    if not is_json or _HALVES.search(inner):
        raise Fault(text, position, "an object is wanted")
    yield from inside
    return int(end)


def _plain(text: str) -> str:
    try:
        return b64decode(text).decode() if re.fullmatch(BASE64, text) else text
    except ValueError:
        return text


def _elements(text: str, position: int, way: Way) -> Records:
    """Yield the records of an array. A comma behind the last one is no matter."""
    if not way.levels:
        way = way._replace(pack=Pack())
    position = behind(_BLANK, text, position + 1)
    while not text.startswith("]", position):
        position = behind(_BLANK, text, (yield from records_or_itself(text, position, way)))
        position = _separated(text, position, "]")
    return position + 1


def _members(text: str, start: int, way: Way) -> Records:
    """Yield the records of an object's member that the path names, after all of it if they are to have others."""
    level, inside = way.levels[0], way.inside
    around: list[str] = []
    waiting: list[Found] = []
    is_found, position = False, behind(_BLANK, text, start + 1)
    while not text.startswith("}", position):
        begin = position
        name, position = _named(text, position)
        if name == level.name and not inside.levels and text.startswith("null", position):
            is_found, position = True, position + len("null")
        elif name == level.name:
            is_found, found = True, Behind(records_at(text, position, inside))
            if level.is_kept:
                waiting.extend(found)
            else:
                yield from found
            position = found.position
        else:
            _, position = decode(text, position)
            if nearly(name) in level.around:
                around.append(on_one_line(text[begin:position]))
        position = _separated(text, behind(_BLANK, text, position), "}")
    if not is_found:
        raise Fault(text, start, f"an object with {level.name} is wanted")
    members = ",".join(around)
    for each in waiting:
        yield each if isinstance(each, Lacking) else (each[0], (members, *each[1]))
    return position + 1


def _named(text: str, position: int) -> tuple[str, int]:
    """Return the name of a member, and the position of its value."""
    name, position = decode(text, position)
    position = behind(_BLANK, text, position)
    if not isinstance(name, str) or not text.startswith(":", position):
        raise Fault(text, position, "a name and ':' are wanted")
    return name, behind(_BLANK, text, position + 1)


def _separated(text: str, position: int, closing: str) -> int:
    """Return the position behind a comma, or that of the closing bracket."""
    if text.startswith(",", position):
        return behind(_BLANK, text, position + 1)
    if not text.startswith(closing, position):
        raise Fault(text, position, f"',' or '{closing}' is wanted")
    return position


def behind(pattern: re.Pattern[str], text: str, position: int) -> int:
    """Return the position behind what matches a pattern there, if anything does."""
    matched = pattern.match(text, position)
    return matched.end() if matched else position


def with_strings(text: str) -> str:
    """Return JSON in which what broken sensors write for no number, such as nan or 1.#INF, stands as a string.

    What Python's decoder takes for a number stays: NaN, Infinity and -Infinity.
    """
    return _STRING_OR_NO_NUMBER.sub(_string, text) if _NO_NUMBER.search(text) else text


def _string(found: re.Match[str]) -> str:
    return found[0] if found[2] in (None, *_DECODED) else f'{found[1]}"{found[2]}"'


def on_one_line(text: str) -> str:
    """Return JSON with blanks for line breaks, which in JSON only separate tokens."""
    return _BREAKS.sub(" ", text.strip(" \t\r\n"))
