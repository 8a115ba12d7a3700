"""What the first lines of a CSV file say about the others: which column stands where. Needs nothing but Python."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from catalog.csv_format import DELIMITERS
from catalog.tables import Source
from jobs.bronze import csv_lines
from jobs.bronze.csv_lines import bare, names, tokens_of, unnamed, wanted

HEAD = 100  # lines in which a header is looked for
STATION = (
    "TOA5"  # begins the file of a Campbell logger, in which units and what was done stand below the names
)
TIMES = ("TIMESTAMP", "DATE")
FEW = 3  # records, too few to say that all of a file's are alike


@dataclass(frozen=True)
class Layout:
    """What stands where in a CSV file.

    `names` are its columns in its order, the source's own as the catalog writes them; `no_records` the `bare` texts
    of its header and of the lines before it. `has_comments` says whether a line that begins with # may hold no values
    where it is none of these, `is_usual` whether the catalog says all the same. `header` is the last line of the
    header, 0 for none, and `units` are the `bare` texts of its lines below the names.
    """

    names: tuple[str, ...]
    no_records: tuple[str, ...]
    has_comments: bool
    header: int = 0
    is_usual: bool = False
    units: tuple[str, ...] = ()


class Unreadable(ValueError):
    """A file must not be read; the message says where, why and what to do."""


def layout(lines: Sequence[str], source: Source) -> Layout:
    """Return the layout of a file by its first lines. Raises Unreadable if its values could be mistaken for others."""
    written = {number: line for number, line in enumerate(lines, 1) if not csv_lines.is_blank(line)}
    for line in written.values():
        said = csv_lines.SEPARATOR.fullmatch(line.strip(' \r"'))
        if said and said[1] not in ("", source.delimiter):
            raise _other_delimiter(said[1], source)
    uncommented = _tokens(written, 0, source)
    header = _header(uncommented, source)
    if not header:
        tokens = _tokens(written, len(source.fields), source)
        if tokens:
            _refuse_without_header(min(tokens), written[min(tokens)], source)
        _refuse_other_sizes(list(tokens.values()), len(source.fields))
        _refuse_enclosed([*source.fields], list(tokens.values()), source)
        return Layout(tuple(source.fields), (), source.comments, is_usual=not source.comments)
    found = names(uncommented[header], source)
    tokens = _tokens(written, len(found), source)
    last = _last_of_header(header, found, tokens, source)
    records = [tokens[number] for number in tokens if number > last]
    _refuse_other_columns(found, header, records, source)
    _refuse_lines_above(header, found, tokens, source)
    _refuse_other_sizes(records, len(found))
    _refuse_enclosed(found, records, source)
    texts = {number: bare(line) for number, line in written.items() if number <= last}
    about = last if _is_of_a_station(header, uncommented) else header
    return Layout(
        tuple(found),
        tuple(text for number, text in texts.items() if number <= about),
        source.comments,
        last,
        found == [*source.fields] and _is_usual(header, written, source),
        tuple(text for number, text in texts.items() if number > about),
    )


def _is_usual(header: int, written: Mapping[int, str], source: Source) -> bool:
    """Whether a header is as the catalog has it, and nothing but a line about the separator is above it."""
    above = [bare(line) for number, line in written.items() if number < header]
    is_alone = all(map(csv_lines.SEPARATOR.fullmatch, above)) and not source.comments
    return is_alone and bare(written[header]).lower() == csv_lines.usual_header(source)


def _tokens(written: Mapping[int, str], size: int, source: Source) -> dict[int, list[str]]:
    """Return the tokens of the lines that may be a header or a record, which has as many as `size` says."""
    return {
        number: tokens_of(csv_lines.uncommented(line, source), source)
        for number, line in written.items()
        if not csv_lines.is_preamble(line, size, source)
    }


def _header(tokens: Mapping[int, Sequence[str]], source: Source) -> int:
    """Return the line that names most columns; the first, if it looks like names that nobody knows; 0 without one."""
    known = {number: len(set(names(each, source)) & source.fields.keys()) for number, each in tokens.items()}
    if not known:
        return 0
    best, first = max(known, key=lambda number: known[number]), min(known)
    if known[best] >= min(2, len(source.fields)):
        return best
    return first if csv_lines.is_header(tokens[first], source) else 0


def _last_of_header(
    header: int, found: Sequence[str], tokens: Mapping[int, Sequence[str]], source: Source
) -> int:
    """Return the last of the lines right below a header that are names too, as those of units: no other header."""
    last, places = header, csv_lines.places_of_numbers(found, source)
    most = header + 2 if _is_of_a_station(header, tokens) else header
    while last < most and not csv_lines.has_values(tokens.get(last + 1, ()), places):
        last += 1
    while _is_of_units(tokens.get(last + 1, ()), found, source):
        last += 1
    return last


def _is_of_a_station(header: int, tokens: Mapping[int, Sequence[str]]) -> bool:
    return any(tokens[number][0] == STATION for number in tokens if number < header)


def _is_of_units(tokens: Sequence[str], found: Sequence[str], source: Source) -> bool:
    below = names(tokens, source)
    is_moved = any(name in source.fields and name != above for name, above in zip(below, found, strict=False))
    return csv_lines.is_header(tokens, source) and not is_moved and set(wanted(source)).isdisjoint(below)


def _refuse_other_columns(
    found: Sequence[str], header: int, records: Sequence[Sequence[str]], source: Source
) -> None:
    """Raise Unreadable for a header under which values would stand under other names, or under none.

    A column that is only missing is null, one that is only new is rescued. Both together are one renamed. A column
    without a name is new if the first records have values in it.
    """
    if twice := csv_lines.twice(found, source):
        raise Unreadable(f"its header (line {header}) has {', '.join(twice)} twice; name each column once")
    unknown = [
        name
        for at, name in enumerate(found)
        if name not in source.fields
        and (name != unnamed(at + 1) or any(_has_value(tokens, at, source) for tokens in records))
    ]
    missing = [name for name in source.fields if name not in found]
    if missing and (unknown or not set(wanted(source)) <= set(found)):
        said = [f"has {', '.join(unknown)[:200]}"] if unknown else []
        said.append(f"lacks {', '.join(missing)}")
        raise Unreadable(
            f"its header (line {header}) {' and '.join(said)}; bring {','.join(source.fields)}, "
            "or have `names` of the source say which is which"
        )


def _refuse_lines_above(
    header: int, found: Sequence[str], tokens: Mapping[int, Sequence[str]], source: Source
) -> None:
    """Raise Unreadable for another header or records above the header; a single line of values may be a station's."""
    above = [number for number in tokens if number < header]
    for number in above:
        if set(wanted(source)) <= set(names(tokens[number], source)):
            raise Unreadable(
                f"line {number} is another header than line {header}; bring a file for each header"
            )
    labels = {each[0] for number, each in tokens.items() if number > header}
    records = [
        number
        for number in above
        if _is_like_a_record(tokens[number], found, source)
        and not _is_about_the_file(tokens[number], labels, found, source)
    ]
    others = [number for number in above if _has_values_of_a_record(tokens[number], found, source)]
    if records or len(others) > 1:
        first = min([*records, *others])
        raise Unreadable(f"line {first} is like a record, and the header is line {header}; put it first")


def _refuse_other_sizes(records: Sequence[Sequence[str]], size: int) -> None:
    """Raise Unreadable if none of the first records has as many values as there are columns."""
    sizes = {len(tokens) for tokens in records}
    if len(records) >= FEW and size not in sizes:
        raise Unreadable(
            f"its records have {' or '.join(map(str, sorted(sizes)))} values for {size} columns; "
            "name each column, or leave out the separator at the end of the lines"
        )


def _refuse_enclosed(found: Sequence[str], records: Sequence[Sequence[str]], source: Source) -> None:
    """Raise Unreadable if all texts of the first records are in quotes, which would be a part of them."""
    places = [at for at, name in enumerate(found) if source.fields.get(name) == "STRING"]
    texts = [tokens[at] for tokens in records for at in places if at < len(tokens) and tokens[at]]
    if source.escapes and texts and all(len(text) > 1 and text[0] == text[-1] == '"' for text in texts):
        raise Unreadable(
            "its texts are in quotes, which with escapes are a part of them; bring it without ENCLOSED BY, "
            "or as CSV with doubled quotes and no escapes"
        )


def _refuse_without_header(number: int, line: str, source: Source) -> None:
    """Raise Unreadable for a file without a header, unless its source's files have none; the line is its first."""
    for other in DELIMITERS:
        if len(set(names(tokens_of(line, source, other), source)) & source.fields.keys()) > 1:
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
    places = {at: name for at, name in enumerate(found) if name in wanted(source)}
    key = [("".join(tokens[at : at + 1]), source.fields[places[at]] in csv_lines.TEXTS) for at in places]
    is_sized = len(tokens) == len(found) or not all(is_text for _, is_text in key)
    return is_sized and all(token if is_text else csv_lines.NUMBER.match(token) for token, is_text in key)


def _is_about_the_file(
    tokens: Sequence[str], labels: Collection[str], found: Sequence[str], source: Source
) -> bool:
    """Whether a line has a word and what it stands for, `Serial number;123456`, and fewer tokens than a record.

    No record below has that word in its place; and where the key has a time there is none, or it is all that there is.
    """
    word, *values = tokens
    if len(tokens) >= len(found) or word in labels or not csv_lines.is_label(word, source):
        return False
    places = csv_lines.places_of_numbers(found, source)
    times = [at for at in places if found[at] in source.key and source.fields[found[at]] in TIMES]
    said = [value for value in values if value and not csv_lines.CLOCK.fullmatch(value)]
    is_pair = len(said) <= 1 and not any(map(str.isdigit, word))
    is_timed = any(csv_lines.may_be_time(tokens[at]) for at in times if at < len(tokens))
    return is_pair if is_timed else bool(times) or (is_pair and 0 in places)


def _has_values_of_a_record(tokens: Sequence[str], found: Sequence[str], source: Source) -> bool:
    """Whether a line has as many tokens as the header and numbers or times among them: two, or all that there are."""
    values = sum(csv_lines.has_values(tokens, [at]) for at in range(len(tokens)))
    wanted_values = min(2, len(csv_lines.places_of_numbers(found, source)))
    return len(tokens) == len(found) and values >= max(1, wanted_values)


def _has_value(tokens: Sequence[str], at: int, source: Source) -> bool:
    return at < len(tokens) and tokens[at] not in ("", *source.nulls)
