"""JSON that is not one object a line: arrays, documents with records inside, several objects on one line.

Each record becomes a line, in the characters of the original: no number and no string is written anew. What it is to
have of the document around it stands in front, as its member `$`. Needs nothing but Python.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from catalog.json_path import Path
from catalog.records import without_records
from jobs.bronze.json_envelope import levels_of, with_envelope
from jobs.bronze.json_scanner import (
    Behind,
    Fault,
    Found,
    Lacking,
    Way,
    behind,
    decode,
    on_one_line,
    records_or_itself,
    with_strings,
)

# What may stand between records: the mark of RFC 7464, byte order marks of files that were put together, and the end
# of a file as DOS has it.
_BETWEEN = re.compile("[ \t\r\n,\x1a\x1e\ufeff]*")
MOST_AROUND = 256 << 20  # characters that the records of a text may have of what is around them, all together


def records(
    text: str, path: str = "", around: Sequence[Path] = (), *, is_senml: bool = False
) -> Iterator[str]:
    """Yield the records of a text, each on one line: all objects, also those in arrays.

    `path` says where they lie in each object of the text, as in `data.items`; `around` leads to what each has of that
    object, or of the one in an array of them in which it lies, as in `$.data.site`. Those of SenML are resolved.
    What JSON has no word for, such as nan, is a string. Of several objects one that has no records stands there as
    `without_records` says, and becomes a malformed record.

    Raises Fault, also for a text in which nothing has records.
    """
    levels, most = levels_of(path, around), MOST_AROUND
    text = with_strings(text)
    first: list[Lacking] = []  # what comes before the first record
    is_any = False
    for start, each in _found(text, Way(levels, is_senml)):
        if isinstance(each, Lacking):
            if is_any:
                yield _malformed(path, each)
            else:
                first.append(each)
            continue
        if not is_any:
            yield from (_malformed(path, lacking) for lacking in first)
            is_any = True
        record, kept = each
        line = with_envelope(record, kept, levels) if around else record
        if (most := most - len(line) + len(record)) < 0:
            raise Fault(text, start, "too much is around the records that each of them is to have")
        yield line
    if first and not is_any:
        raise first[0].fault


def _malformed(path: str, lacking: Lacking) -> str:
    return without_records(path, lacking.fault.flaw) + lacking.text


def _found(text: str, way: Way) -> Iterator[tuple[int, Found]]:
    """Yield the records of a text, and what lacks them, with where the value begins in which they lie. Raises Fault."""
    position = 0
    try:
        while (start := behind(_BETWEEN, text, position)) < len(text):
            found = Behind(records_or_itself(text, start, way))
            for each in found:
                yield start, each
            position = found.position
    except json.JSONDecodeError as error:
        raise Fault(text, error.pos, error.msg) from None
    except RecursionError:
        raise Fault(text, position, "too many brackets within each other") from None


def lines_of(message: str, *, is_senml: bool = False) -> list[str]:
    """Return the lines as which a message is landed: a record each, or the message itself where it has none.

    What records of SenML are is known from their pack alone, which stays whole.
    """
    if is_senml or is_one_object(message):
        return [on_one_line(message)]
    try:
        return [*records(message)]
    except Fault:
        lines = [line for line in message.split("\n") if line.strip()]
        return [*each_by_itself(lines)] if are_lines(lines) else [on_one_line(message)]


def each_by_itself(
    lines: Iterable[str], path: str = "", around: Sequence[Path] = (), *, is_senml: bool = False
) -> Iterator[str]:
    """Yield the records of lines, as `records` does; a line that cannot be read is yielded as it is, and is malformed.

    An object without records at `path`, or one that is not SenML, could pass for a record: it is yielded with that
    reason in front (`without_records`), so that it is malformed, too.
    """
    read = partial(records, path=path, around=around, is_senml=is_senml)
    is_as_it_is = not (path or is_senml)
    for line in lines:
        is_object = is_one_object(line)
        try:
            # All of them, before the first: of a line that is broken, none is one.
            yield from [line] if is_as_it_is and is_object else [*read(line)]
        except Fault as fault:
            yield line if is_as_it_is or not is_object else without_records(path, fault.flaw) + line


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
    """Whether a text is one whole object and nothing else; it may have what JSON has no word for, such as nan."""
    stripped = text.strip(" \t\r\n")
    if not (stripped.startswith("{") and stripped.endswith("}")):
        return False
    return _is_whole_value(stripped) or _is_whole_value(with_strings(stripped))


def _is_whole_value(text: str) -> bool:
    try:
        return bool(decode(text)[1] == len(text))
    except (ValueError, RecursionError):
        return False
