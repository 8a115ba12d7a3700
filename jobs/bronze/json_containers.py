"""Objects and arrays on the way to the columns of a line of JSON, each in a column of its own.

One that came as a string of JSON, plain or in base64, is parsed, and paths lead through it as if it had come as it is.
All functions are about lines with `_object`, the line's object as a VARIANT, and `_strings`, the strings within it.
"""

from collections.abc import Mapping
from functools import lru_cache

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.json_path import Path, containers
from catalog.tables import Source
from jobs.delta.frames import any_of
from jobs.json_patterns import BASE64
from jobs.json_texts import STRICT, json_text, readable, strings_of

_JSON = r"^\s*[\[{]"


@lru_cache
def columns_within(source: Source) -> Mapping[Path, str]:
    """Return object or array -> the VARIANT column that has it, outermost first, for all that paths lead through."""
    found = containers(path for paths in source.paths.values() for path in paths)
    return {path: f"_within_{number}" if path.steps else "_object" for number, path in enumerate(found)}


def helping_columns(source: Source) -> list[str]:
    """Return the columns that `with_containers` adds."""
    own = [column for path, column in columns_within(source).items() if path.steps]
    return [f"{column}{end}" for column in own for end in ("", "_text", "_strings")]


def with_containers(lines: DataFrame, source: Source) -> DataFrame:
    """Add the columns of `helping_columns` to lines, the outer objects and arrays before those within them.

    Each has a column as a VARIANT, one with the strings within it, and one with the string as which it came, within
    brackets; that is null if it came as it is.
    """
    columns = columns_within(source)
    for depth in sorted({len(path.steps) for path in columns} - {0}):
        here = {path: column for path, column in columns.items() if len(path.steps) == depth}
        opened: dict[str, Column] = {}
        for path, column in here.items():
            opened[column] = F.coalesce(_opened(column), variant(path, source))
            if inner := _strings_beneath(path, source):
                opened[f"{column}_strings"] = _strings(path, column, inner, source)
        texts = {f"{column}_text": _text(path, source) for path, column in here.items()}
        lines = lines.withColumns(texts).withColumns(opened)
    return lines


def variant(path: Path, source: Source) -> Column:
    """What is at a path, as it came: VARIANT, null if there is nothing."""
    return F.try_variant_get(_around(path, source), _last(path).in_variant, "variant")


def as_string(path: Path, source: Source) -> Column:
    """What is at a path: STRING, of a number its digits without an exponent; null if there is nothing."""
    return F.try_variant_get(_around(path, source), _last(path).in_variant, "string")


def text_at(path: Path, kind: str, source: Source) -> Column:
    """The text of a value for a column of some type, as `json_text` gives it."""
    around = _around(path, source)
    strings = F.get("_strings", 0) if around == "_object" else F.col(f"{around}_strings")
    return json_text(_last(path), kind, strings, around)


def is_within_text(path: Path, source: Source) -> Column:
    """Whether a value lies within an object or array that came as a text."""
    columns = columns_within(source)
    return any_of(F.col(f"{columns[parent]}_text").isNotNull() for parent in path.parents if parent.steps)


def _around(path: Path, source: Source) -> str:
    """The column that has the object or array in which a value lies."""
    return columns_within(source)[path.parents[-1]]


def _last(path: Path) -> Path:
    return Path(path.steps[-1:])


def _text(path: Path, source: Source) -> Column:
    """What comes as a text that may be JSON, within brackets; null for what comes otherwise."""
    text, kind = as_string(path, source), F.schema_of_variant(variant(path, source))
    decoded = F.try_validate_utf8(F.try_to_binary(text, F.lit("base64")).cast("string"))
    found = F.when(text.rlike(_JSON), text).when(text.rlike(f"^{BASE64}$"), decoded)
    return F.when(kind == "STRING", readable(found))


def _opened(column: str) -> Column:
    """What a text of JSON has; null if it is none, or has something behind it, which parsers overlook."""
    text = f"{column}_text"
    array = F.try_parse_json(text)
    inside = F.expr(f"substring({text}, 2, length({text}) - 2)")
    keys = F.json_object_keys(F.concat(F.lit('{"_":'), inside, F.lit("}")))
    is_alone = F.try_variant_get(array, "$[1]", "variant").isNull() & keys.isNotNull()
    return F.when(is_alone, F.try_variant_get(array, "$[0]", "variant"))


def _strings(path: Path, column: str, inner: str, source: Source) -> Column:
    """The strings within an object or array, of a type."""
    of_text = F.get(F.from_json(f"{column}_text", f"ARRAY<{inner}>", STRICT), 0)
    return F.when(_opened(column).isNotNull(), of_text).otherwise(text_at(path, "STRING", source))


def _strings_beneath(container: Path, source: Source) -> str:
    """The type of the strings within an object or array, of which all elements have one; empty if there are none."""
    way = _alike(container)
    inner = [
        Path(path.steps[len(way) :])
        for name, kind in source.fields.items()
        for path in source.paths[name]
        if kind == "STRING" and _alike(path)[: len(way)] == way and len(path.steps) > len(way)
    ]
    return strings_of(inner) if inner else ""


def _alike(path: Path) -> tuple[str | int, ...]:
    return tuple(0 if isinstance(step, int) else step for step in path.steps)
