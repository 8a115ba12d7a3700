"""From a landed line to typed columns, keeping what does not fit: pure frame-to-frame functions.

Both take `value` (the line, never blank) and give the source's typed columns, `_rescued` (a VARIANT object
of fields that are unknown or whose value does not fit the column's type) and `_malformed` (the line itself
when it is no record at all). Other columns pass through.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import Source


def parse(lines: DataFrame, source: Source) -> DataFrame:
    """Parse the lines of a source by its format."""
    return _parse_csv(lines, source) if source.format == "csv" else _parse_json(lines, source)


def _parse_json(lines: DataFrame, source: Source) -> DataFrame:
    """Read plain lines by the schema at once, and only the others field by field, which costs ten times as much.

    Plain is one object whose every field is known and fits its column. Both ways read within brackets, since
    the parsers overlook whatever follows a first complete value.
    """
    options = "map('allowNonNumericNumbers', 'false', 'allowSingleQuotes', 'false')"
    columns = ", ".join(f"{name}: {kind}" for name, kind in source.fields.items())
    filled = " + ".join(f"INT(_read[0].`{name}` IS NOT NULL)" for name in source.fields)
    read = (
        lines.withColumn(
            "_read", F.expr(f"from_json(concat('[', value, ']'), 'ARRAY<STRUCT<{columns}>>', {options})")
        )
        .withColumn(
            "_is_plain",
            F.expr(
                f"coalesce(rtrim(value) LIKE '%}}' AND cardinality(_read) = 1 "
                f"AND cardinality(json_object_keys(value)) = {filled}, false)"
            ),
        )
        .withColumn("_array", F.expr("IF(_is_plain, NULL, try_parse_json(concat('[', value, ']')))"))
        .withColumn("_object", F.expr("try_variant_get(_array, '$[0]', 'variant')"))
    )
    is_record = F.expr(
        "_is_plain OR coalesce(schema_of_variant(_object) LIKE 'OBJECT%', false) AND rtrim(value) LIKE '%}' "
        "AND try_variant_get(_array, '$[1]', 'variant') IS NULL"
    )
    typed = {
        name: F.expr(f"IF(_is_plain, _read[0].`{name}`, try_variant_get(_object, '$.{name}', '{kind}'))")
        for name, kind in source.fields.items()
    }
    known = ", ".join(f"'{name}'" for name in source.fields)
    misfits = ", ".join(
        f"IF(NOT is_variant_null(variant_get(_object, '$.{name}')) "
        f"AND try_variant_get(_object, '$.{name}', '{kind}') IS NULL, '{name}', NULL)"
        for name, kind in source.fields.items()
    )
    strange = (
        "map_filter(try_cast(_object AS MAP<STRING, VARIANT>), "
        f"(name, v) -> name NOT IN ({known}) OR array_contains(array_compact(array({misfits})), name))"
    )
    rescued = (
        f"IF(NOT _is_plain AND _is_record AND cardinality({strange}) > 0, to_variant_object({strange}), NULL)"
    )
    return _with(read.withColumn("_is_record", is_record), typed, F.expr(rescued)).drop(
        "_read", "_is_plain", "_array", "_object"
    )


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
