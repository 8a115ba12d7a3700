"""Values within JSON as texts, for `jobs.value_reading`: of landed lines, and of images within device changes."""

from collections.abc import Collection, Iterable
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.json_path import Path
from jobs.json_patterns import NO_NUMBER
from jobs.value_reading import is_blank

# What JSON itself does not have, and Spark's parser would take.
STRICT = {"allowNonNumericNumbers": "false", "allowSingleQuotes": "false"}
REPLACEMENT = "\ufffd"
# Of a character beyond U+FFFF JSON writes two halves, `\ud83d\ude00`; a half that stands alone is of a text that was
# cut, and no character. The backslashes in front are pairs: `\\ud83d` is a backslash and letters.
_FIRST, _SECOND = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF = rf"(?<!\\)((?:\\\\)*)(?:{_FIRST}(?!{_SECOND})|{_SECOND}(?<!{_FIRST}{_SECOND}))"


def has_half_characters(text: Column) -> Column:
    """Whether a text of JSON has half of a character, for which parsers have words of their own."""
    return F.contains(text, F.lit("\\u")) & text.rlike(_HALF)


def whole_characters(text: Column) -> Column:
    """A text of JSON in which U+FFFD stands for each half of a character."""
    return F.when(has_half_characters(text), F.regexp_replace(text, _HALF, f"$1{REPLACEMENT}")).otherwise(
        text
    )


def within_brackets(text: Column) -> Column:
    """A text of JSON as an array: the parsers overlook whatever follows a first complete value."""
    return F.concat(F.lit("["), text, F.lit("]"))


def readable(text: Column) -> Column:
    """A text of JSON within brackets as the parsers take it; what it has for no number is a string."""
    whole = within_brackets(whole_characters(text))
    mended = F.when(whole.rlike(NO_NUMBER), F.regexp_replace(whole, NO_NUMBER, '$1"$2"'))
    # Only of a text that is none: within a string, more quotes would end it.
    return F.when(F.try_parse_json(whole).isNull(), mended).otherwise(whole)


def strings_of(paths: Iterable[Path]) -> str:
    """The type as which Spark's JSON parser reads an object of which the values at some paths are strings."""
    return _type_of([path.steps for path in paths])


def _type_of(places: Collection[tuple[str | int, ...]]) -> str:
    if () in places:
        return "STRING"
    below: dict[str | int, list[tuple[str | int, ...]]] = {}
    for step, *rest in places:
        # All elements of an array are of one type.
        below.setdefault(0 if isinstance(step, int) else step, []).append(tuple(rest))
    if 0 in below:
        return f"ARRAY<{_type_of(below[0])}>"
    return f"STRUCT<{', '.join(f'{quoted(str(step))}: {_type_of(rest)}' for step, rest in below.items())}>"


def quoted(name: str) -> str:
    """A name within the type of an object."""
    return f"`{name.replace('`', '``')}`"


def json_text(path: Path, kind: str, strings: Column, variant: str) -> Column:
    """The text of a value within a JSON object, of which `strings` has the type of `strings_of`.

    `variant` is the column that has the object as a variant. The text of the number 301.0 is 301.0 to the parser, 301
    to a variant. Strings are the parser's, as in lines that are read by the schema.
    """
    if kind != "STRING":
        return F.try_variant_get(variant, path.in_variant, "string")
    return reduce(_step, path.steps, strings)


def _step(value: Column, step: str | int) -> Column:
    return F.get(value, step) if isinstance(step, int) else value.getField(step)


def is_in_the_way(path: Path, kind: str, variant: str) -> Column:
    """Whether what is at a path is no `object` or `array`, in which others are to lie; what is blank is nothing."""
    found = F.schema_of_variant(F.try_variant_get(variant, path.in_variant, "variant"))
    is_something = ~is_blank(F.try_variant_get(variant, path.in_variant, "string"))
    return is_something & ~F.coalesce(found.startswith(kind.upper()), F.lit(False))
