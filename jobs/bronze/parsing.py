"""From a landed line to typed columns, keeping what does not fit: pure frame-to-frame functions.

Both take `value` (the line, never blank) and give the source's typed columns, `_rescued` (a VARIANT object
of fields that are unknown or whose value does not fit the column's type) and `_malformed` (the line itself
when it is malformed, with U+FFFD for what is no UTF-8). Other columns pass through.
"""

from collections.abc import Mapping
from operator import add

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import Source
from jobs.bronze import csv_records
from jobs.delta.frames import any_of, folded
from jobs.value_reading import STRICT, is_misfit, json_text, measured, reading, strings_of

# What a double can have: Spark's parser spells all numbers as doubles.
_OF_A_DOUBLE = r"^ *[+-]?(\d\.?){1,15} *$"
# An object or an array; or a number with a point, of which the parser makes words of its own: 1.23456789E8.
_NO_PLAIN_KEY = r"^\s*[\[{]|^-?\d+\.\d+(E-?\d+)?$"
# Of a broken sensor: Python writes its floating point so into JSON, which has no word for it.
_NO_NUMBER = r"([:,\[]\s*)(-?Infinity|NaN)(?=\s*[,}\]])"


def parse(lines: DataFrame, source: Source) -> DataFrame:
    """Parse the lines of a source by its format."""
    return _parse_csv(lines, source) if source.format == "csv" else _parse_json(lines, source)


def _parse_json(lines: DataFrame, source: Source) -> DataFrame:
    """Read plain lines by the schema at once, and only the others field by field, which costs ten times as much.

    Plain is one object whose every field is known and fits its column. Both ways give one reading of a value: the
    schema has as text whatever Spark's parser reads otherwise than `jobs.value_reading`.
    """
    read = lines.transform(_read_by_schema, source).transform(_read_others_field_by_field, source.fields)
    typed = {name: _json_value(name, source) for name in source.fields}
    found = _with(read.withColumn("_is_record", _is_json_record()), typed, _json_rescued(source))
    return found.drop("_read", "_is_plain", "_array", "_text", "_line", "_strings", "_object")


def _read_by_schema(lines: DataFrame, source: Source) -> DataFrame:
    """`_read`: what the line's brackets hold, by the schema; `_is_plain`: whether nothing is lost that way."""
    fields = source.fields
    columns = ", ".join(f"{name}: {_parsed_as(kind)}" for name, kind in fields.items())
    values = [_plain_value(name, source).isNotNull().cast("int") for name in fields]
    filled = folded(add, values)
    is_plain = (
        _is_alone("value")
        & (F.cardinality("_read") == 1)
        & (F.cardinality(F.json_object_keys("value")) == filled)
    )
    read = F.from_json(_within_brackets(), f"ARRAY<STRUCT<{columns}>>", STRICT)
    return lines.withColumn("_read", read).withColumn("_is_plain", F.coalesce(is_plain, F.lit(False)))


def _read_others_field_by_field(lines: DataFrame, fields: Mapping[str, str]) -> DataFrame:
    """Of a line that is not plain: `_array`, what its brackets hold; `_object`, the first of it; `_strings` of that."""
    whole, is_other = _within_brackets(), ~F.col("_is_plain")
    quoted = F.when(whole.rlike(_NO_NUMBER), F.regexp_replace(whole, _NO_NUMBER, '$1"$2"'))
    # Only of a line that is none: within a string, more quotes would end it.
    text = F.when(is_other, F.when(F.try_parse_json(whole).isNull(), quoted).otherwise(whole))
    return (
        lines.withColumn("_text", text)
        .withColumns(
            {
                "_line": F.expr("substring(_text, 2, length(_text) - 2)"),
                "_array": F.try_parse_json("_text"),
                "_strings": F.from_json("_text", f"ARRAY<{strings_of(fields)}>", STRICT),
            }
        )
        .withColumn("_object", _element(0))
    )


def _within_brackets() -> Column:
    """The line as an array: the parsers overlook whatever follows a first complete value."""
    return F.concat(F.lit("["), F.col("value"), F.lit("]"))


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


def _plain_value(name: str, source: Source) -> Column:
    value, kind = F.get("_read", 0).getField(name), source.fields[name]
    if kind == "DOUBLE":
        return measured(value)
    if kind.startswith("DECIMAL"):
        value = F.when(value.rlike(_OF_A_DOUBLE), value)
    if kind == "STRING" and name in source.key:
        return F.when(~value.rlike(_NO_PLAIN_KEY), value)
    return reading(value, kind, source.clock) if _parsed_as(kind) != kind else value


def _is_json_record() -> Column:
    """Whether the line is one object and nothing else. Parsers take any bytes, and read U+FFFD for what is no UTF-8."""
    is_object = F.coalesce(F.schema_of_variant("_object").like("OBJECT%"), F.lit(False))
    is_one = F.col("_is_plain") | (is_object & _is_alone("_line") & _element(1).isNull())
    return F.is_valid_utf8("value") & is_one


def _json_value(name: str, source: Source) -> Column:
    plain, careful = _plain_value(name, source), _careful_value(name, source)
    return F.when(F.col("_is_plain"), plain).otherwise(careful)


def _careful_value(name: str, source: Source) -> Column:
    kind = source.fields[name]
    if kind == "VARIANT":
        return F.try_variant_get("_object", f"$.{name}", "variant")
    read = reading(_text(name, kind), kind, source.clock)
    if kind != "STRING" or name not in source.key:
        return read
    # 301 and 301.0 are one device.
    number = F.try_variant_get("_object", f"$.{name}", "string")
    is_number = _is_of(name, "DECIMAL", "DOUBLE", "BIGINT")
    return F.when(is_number, number).when(~_is_nested(name), read)


def _is_nested(name: str) -> Column:
    """Whether a field is an object or an array: as a text it would be a value, as a key another thing of its own."""
    return _is_of(name, "OBJECT", "ARRAY")


def _is_of(name: str, *kinds: str) -> Column:
    """Whether a field of the object is a value of one of some kinds, as variants call them."""
    kind = F.schema_of_variant(F.try_variant_get("_object", f"$.{name}", "variant"))
    return F.coalesce(any_of(kind.startswith(each) for each in kinds), F.lit(False))


def _is_misfit(name: str, source: Source) -> Column:
    kind = source.fields[name]
    return _is_nested(name) if kind == "STRING" else is_misfit(_text(name, kind), kind, source.clock)


def _text(name: str, kind: str) -> Column:
    return json_text(name, kind, F.get("_strings", 0), "_object")


def _json_rescued(source: Source) -> Column:
    """Fields of the object that are unknown or do not fit, as one VARIANT; null where there are none."""
    misfits = F.array_compact(
        F.array(
            *[
                F.when(_is_misfit(name, source), F.lit(name))
                for name, kind in source.fields.items()
                if kind != "VARIANT" and (kind != "STRING" or name in source.key)
            ]
        )
    )
    strange = F.map_filter(
        F.col("_object").try_cast("map<string, variant>"),
        lambda name, _: ~name.isin(*source.fields) | F.array_contains(misfits, name),
    )
    is_rescued = ~F.col("_is_plain") & F.col("_is_record") & (F.cardinality(strange) > 0)
    return F.when(is_rescued, F.to_variant_object(strange))


def _parse_csv(lines: DataFrame, source: Source) -> DataFrame:
    return _with(*csv_records.read(lines, source)).drop("_tokens", "_others")


def _with(parsed: DataFrame, typed: dict[str, Column], rescued: Column) -> DataFrame:
    columns = {
        **{name: F.when(F.col("_is_record"), column) for name, column in typed.items()},
        "_rescued": rescued,
        "_malformed": F.when(~F.col("_is_record"), F.make_valid_utf8("value")),
    }
    # A column of the source may be called like that of the line.
    return parsed.withColumns(columns).drop("_is_record", *{"value"} - columns.keys())
