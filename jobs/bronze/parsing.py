"""From a landed line to typed columns, keeping what does not fit: pure frame-to-frame functions.

Both take `value` (the line, never blank) and give the source's typed columns, `_rescued` (a VARIANT object
of fields that are unknown or whose value does not fit the column's type) and `_malformed` (the line itself
when it is no record at all). Other columns pass through.
"""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import Source


def parse(lines: DataFrame, source: Source) -> DataFrame:
    """Parse the lines of a source by its format."""
    return _parse_csv(lines, source) if source.format == "csv" else _parse_json(lines, source)


def _parse_json(lines: DataFrame, source: Source) -> DataFrame:
    """Read plain lines by the schema at once, and only the others field by field, which costs ten times as much.

    Plain is one object whose every field is known and fits its column.
    """
    read = lines.transform(_read_by_schema, source.fields).transform(_read_others_as_variant)
    typed = {name: _json_value(name, kind) for name, kind in source.fields.items()}
    found = _with(read.withColumn("_is_record", _is_json_record()), typed, _json_rescued(source.fields))
    return found.drop("_read", "_is_plain", "_array", "_object")


def _read_by_schema(lines: DataFrame, fields: Mapping[str, str]) -> DataFrame:
    """`_read`: what the line's brackets hold, by the schema; `_is_plain`: whether nothing is lost that way."""
    columns = ", ".join(f"{name}: {kind}" for name, kind in fields.items())
    strict = {"allowNonNumericNumbers": "false", "allowSingleQuotes": "false"}
    filled = sum((_plain_value(name).isNotNull().cast("int") for name in fields), F.lit(0))
    is_plain = (
        _ends_an_object()
        & (F.cardinality("_read") == 1)
        & (F.cardinality(F.json_object_keys("value")) == filled)
    )
    read = F.from_json(_within_brackets(), f"ARRAY<STRUCT<{columns}>>", strict)
    return lines.withColumn("_read", read).withColumn("_is_plain", F.coalesce(is_plain, F.lit(False)))


def _read_others_as_variant(lines: DataFrame) -> DataFrame:
    """`_array`: what the brackets of a line hold that is not plain; `_object`: the first of it."""
    return lines.withColumn(
        "_array", F.when(~F.col("_is_plain"), F.try_parse_json(_within_brackets()))
    ).withColumn("_object", _element(0))


def _within_brackets() -> Column:
    """The line as an array: the parsers overlook whatever follows a first complete value."""
    return F.concat(F.lit("["), F.col("value"), F.lit("]"))


def _ends_an_object() -> Column:
    return F.rtrim("value").like("%}")


def _element(number: int) -> Column:
    return F.try_variant_get("_array", f"$[{number}]", "variant")


def _plain_value(name: str) -> Column:
    return F.get("_read", 0).getField(name)


def _is_json_record() -> Column:
    """Whether the line is one object and nothing else."""
    is_object = F.coalesce(F.schema_of_variant("_object").like("OBJECT%"), F.lit(False))
    return F.col("_is_plain") | (is_object & _ends_an_object() & _element(1).isNull())


def _json_value(name: str, kind: str) -> Column:
    return F.when(F.col("_is_plain"), _plain_value(name)).otherwise(_fitting(name, kind))


def _fitting(name: str, kind: str) -> Column:
    """The field as its column has it; null where it does not fit."""
    return F.try_variant_get("_object", f"$.{name}", kind)


def _json_rescued(fields: Mapping[str, str]) -> Column:
    """Fields of the object that are unknown or do not fit, as one VARIANT; null where there are none."""
    misfits = F.array_compact(
        F.array(*[F.when(_is_misfit(*field), F.lit(field[0])) for field in fields.items()])
    )
    strange = F.map_filter(
        F.col("_object").try_cast("map<string, variant>"),
        lambda name, _: ~name.isin(*fields) | F.array_contains(misfits, name),
    )
    is_rescued = ~F.col("_is_plain") & F.col("_is_record") & (F.cardinality(strange) > 0)
    return F.when(is_rescued, F.to_variant_object(strange))


def _is_misfit(name: str, kind: str) -> Column:
    """Whether the field has a value that its column cannot hold; a field that is not there counts as well."""
    is_null = F.is_variant_null(F.variant_get("_object", f"$.{name}", "variant"))
    return ~is_null & _fitting(name, kind).isNull()


def _parse_csv(lines: DataFrame, source: Source) -> DataFrame:
    """Spark reads records with too few or too many tokens without a word, hence the count of our own."""
    names = list(source.fields)
    texts = ", ".join(f"`{name}` STRING" for name in names)
    parsed = lines.withColumn("_text", F.expr(f"from_csv(value, '{texts}')"))
    separators = F.expr(r"""regexp_count(value, ',(?=(?:[^"]*"[^"]*")*[^"]*$)')""")
    typed = {
        name: F.expr(f"try_cast(trim(_text.`{name}`) AS {kind})") for name, kind in source.fields.items()
    }
    entries = ", ".join(
        f"IF(_text.`{name}` IS NOT NULL AND try_cast(trim(_text.`{name}`) AS {kind}) IS NULL, "
        f"struct('{name}' AS key, _text.`{name}` AS value), NULL)"
        for name, kind in source.fields.items()
    )
    strange = f"map_from_entries(array_compact(array({entries})))"
    return _with(
        parsed.withColumn("_is_record", separators == len(names) - 1),
        typed,
        F.expr(f"IF(_is_record AND cardinality({strange}) > 0, to_variant_object({strange}), NULL)"),
    ).drop("_text")


def _with(parsed: DataFrame, typed: dict[str, Column], rescued: Column) -> DataFrame:
    columns = {
        **{name: F.when(F.col("_is_record"), column) for name, column in typed.items()},
        "_rescued": rescued,
        "_malformed": F.when(~F.col("_is_record"), F.col("value")),
    }
    return parsed.withColumns(columns).drop("value", "_is_record")
