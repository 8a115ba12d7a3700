"""From the lines of JSON files to fields, each at its paths within the object: pure frame-to-frame functions."""

from collections.abc import Mapping
from functools import lru_cache
from operator import add

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import Source
from jobs.bronze.json_containers import helping_columns, with_containers
from jobs.bronze.json_rescued import rescued
from jobs.bronze.json_values import (
    careful_columns,
    careful_value,
    has_parts,
    joined_value,
    with_careful_values,
)
from jobs.delta.frames import folded, numbered
from jobs.json_texts import STRICT, has_half_characters, quoted, readable, strings_of, within_brackets
from jobs.value_reading import measured, reading

# What a double can have: Spark's parser spells all numbers as doubles.
_OF_A_DOUBLE = r"^ *[+-]?(\d\.?){1,15} *$"
# An object, an array or a boolean; or a number with a point, of which the parser makes words of its own: 1.23456789E8.
_NO_PLAIN_KEY = r"^\s*[\[{]|^(true|false)$|^-?\d+\.\d+(E-?\d+)?$"
_HELPING = ("_read", "_is_plain", "_array", "_text", "_line", "_strings", "_object")


def read(lines: DataFrame, source: Source) -> tuple[DataFrame, dict[str, Column], Column]:
    """Read plain lines by the schema at once, and only the others field by field, which costs ten times as much.

    Plain is one object whose every field is known and fits its column. Both ways give one reading of a value: the
    schema has as text whatever Spark's parser reads otherwise than `jobs.value_reading`. Returns the lines with
    `_is_record`, the fields and `_rescued`.
    """
    found = lines.transform(_read_by_schema, source).transform(_read_others_field_by_field, source)
    typed = {name: _value(name, source) for name in source.fields}
    return found.withColumn("_is_record", _is_record()), typed, rescued(source)


def without_helping_columns(rows: DataFrame, source: Source) -> DataFrame:
    """Return rows without what `read` has added to their lines."""
    own = (*_plain_columns(source).values(), *careful_columns(source).values())
    return rows.drop(*_HELPING, *helping_columns(source), *own)


def _is_flat(source: Source) -> bool:
    """Whether each column has one place, in the object itself: what lies deeper is never read by the schema.

    Whether all of an inner object is known would have to be looked up in it, and messages of hubs, which have such,
    hardly ever have nothing else in them.
    """
    return all(len(paths) == 1 and len(paths[0].steps) == 1 for paths in source.paths.values())


def _read_by_schema(lines: DataFrame, source: Source) -> DataFrame:
    """Add `_read`, what the line's brackets hold by the schema, and `_is_plain`, whether nothing is lost that way.

    `_plain_columns` have the value of each column by it.
    """
    if not _is_flat(source):
        return lines.withColumn("_is_plain", F.lit(False))
    kinds = {_their_name(name, source): _parsed_as(kind) for name, kind in source.fields.items()}
    columns = ", ".join(f"{quoted(name)}: {kind}" for name, kind in kinds.items())
    values = {column: _plain_value(name, source) for name, column in _plain_columns(source).items()}
    filled = folded(add, [F.col(value).isNotNull().cast("int") for value in values])
    is_plain = (
        ~has_half_characters(F.col("value"))
        & _is_alone("value")
        & (F.cardinality("_read") == 1)
        & (F.cardinality(F.json_object_keys("value")) == filled)
    )
    read = F.from_json(within_brackets(F.col("value")), f"ARRAY<STRUCT<{columns}>>", STRICT)
    found = lines.withColumn("_read", read).withColumns(values)
    return found.withColumn("_is_plain", F.coalesce(is_plain, F.lit(False)))


def _read_others_field_by_field(lines: DataFrame, source: Source) -> DataFrame:
    """Of a line that is not plain: `_array`, what its brackets hold; `_object`, the first of it; `_strings` of that."""
    text = F.when(~F.col("_is_plain"), readable(F.col("value")))
    strings = [
        path for name, kind in source.fields.items() if kind == "STRING" for path in source.paths[name]
    ]
    return (
        lines.withColumn("_text", text)
        .withColumns(
            {
                "_line": F.expr("substring(_text, 2, length(_text) - 2)"),
                "_array": F.try_parse_json("_text"),
                "_strings": F.from_json("_text", f"ARRAY<{strings_of(strings)}>", STRICT),
            }
        )
        .withColumn("_object", _element(0))
        .transform(with_containers, source)
        .transform(with_careful_values, source)
    )


def _ends_an_object() -> Column:
    return F.rtrim("value").like("%}")


def _is_alone(line: str) -> Column:
    """Whether a line ends an object, and none of it closes the brackets around it: the parsers overlook what follows.

    Only of lines in which an object is the last of an array this has to be looked at.
    """
    closes = F.col(line).rlike(r"\}\s*\]")
    alone = F.json_object_keys(F.concat(F.lit('{"_":'), line, F.lit("}"))).isNotNull()
    return _ends_an_object() & (~closes | alone)


def _element(number: int) -> Column:
    return F.try_variant_get("_array", f"$[{number}]", "variant")


def _parsed_as(kind: str) -> str:
    """What Spark's parser is to read a type as: it takes days and seconds since 1970 for dates, and rounds decimals."""
    return "STRING" if kind in ("DATE", "TIMESTAMP") or kind.startswith("DECIMAL") else kind


@lru_cache
def _plain_columns(source: Source) -> Mapping[str, str]:
    return numbered("_plain", source.fields)


def _plain_value(name: str, source: Source) -> Column:
    value, kind = F.get("_read", 0).getField(_their_name(name, source)), source.fields[name]
    if kind == "DOUBLE":
        return measured(value)
    if kind.startswith("DECIMAL"):
        value = F.when(value.rlike(_OF_A_DOUBLE), value)
    if kind == "STRING" and name in source.key:
        return F.when(~value.rlike(_NO_PLAIN_KEY), value)
    return reading(value, kind, source.clock) if _parsed_as(kind) != kind else value


def _their_name(name: str, source: Source) -> str:
    """What a flat source calls a column."""
    return str(source.paths[name][0].steps[0])


def _is_record() -> Column:
    """Whether the line is one object and nothing else. Parsers take any bytes, and read U+FFFD for what is no UTF-8."""
    is_object = F.coalesce(F.schema_of_variant("_object").like("OBJECT%"), F.lit(False))
    is_one = F.col("_is_plain") | (is_object & _is_alone("_line") & _element(1).isNull())
    return F.is_valid_utf8("value") & is_one


def _value(name: str, source: Source) -> Column:
    """The field, at the first of its paths at which it has a value."""
    places = [careful_value(name, path, source) for path in source.paths[name]]
    if has_parts(name, source):
        places.insert(0, joined_value(name, source))
    careful = F.coalesce(*places)
    if not _is_flat(source):
        return careful
    return F.when(F.col("_is_plain"), F.col(_plain_columns(source)[name])).otherwise(careful)
