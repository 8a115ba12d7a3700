"""From the lines of CSV files to records, each column by its name: pure frame-to-frame functions."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from catalog.tables import Source
from jobs.bronze import arrival, csv_escapes, csv_lines
from jobs.bronze.kept_layouts import Layouts
from jobs.delta.frames import numbered
from jobs.value_reading import is_misfit, reading

# How many tokens a record of the file has, where the source's columns are among them, from 0, also those whose second
# part has a place of its own, and what else is there.
_PLACES = "STRUCT<size: INT, own: ARRAY<INT>, parts: ARRAY<INT>, others: ARRAY<STRUCT<key: STRING, at: INT>>>"
_LAYOUT = f"_path: STRING, _places: {_PLACES}, _no_records: ARRAY<STRING>, _has_comments: BOOLEAN"


def records(lines: DataFrame, source: Source, layouts: Layouts) -> DataFrame:
    """Leave out lines without values: blank ones, headers, and those about the file itself.

    If there are layouts, `_places` says of each line where the columns of its file are.
    """
    bare = F.translate("value", csv_lines.BLANK, "")
    is_header = F.lower(bare) == csv_lines.usual_header(source)
    is_separator = F.lower(bare).rlike("^sep=.?$")
    kept = lines.where(F.ltrim("value", F.lit(csv_lines.EMPTY)) != "")
    if source.escapes:
        kept = kept.where(F.rtrim("value") != csv_lines.END_OF_COPY)
    if not layouts:
        return kept.where(~(is_header | is_separator))
    frame = F.broadcast(_frame(lines.sparkSession, layouts, source))
    known = kept.withColumn("_path", _path(source)).join(frame, on="_path", how="left")
    of_file = F.array_contains("_no_records", F.lower(bare))
    places = F.coalesce("_places", _usual_places(source))
    is_comment = _is_comment(places["size"], source) & F.coalesce("_has_comments", F.lit(False))
    is_record = ~(F.coalesce(of_file, is_header) | is_separator | is_comment)
    return known.where(is_record).withColumn("_places", places).drop("_path", "_no_records", "_has_comments")


def _frame(spark: SparkSession, layouts: Layouts, source: Source) -> DataFrame:
    """The layouts, a row each. Spark is not asked for anything, as it would be for a frame of local rows."""
    rows = [
        {
            "_path": path,
            "_places": _places(each.names, source),
            "_no_records": [text.lower() for text in each.no_records],
            "_has_comments": each.has_comments,
        }
        for path, each in layouts.items()
    ]
    read = F.from_json(F.lit(json.dumps(rows)), f"ARRAY<STRUCT<{_LAYOUT}>>")
    return spark.range(1).select(F.inline(read))


def _is_comment(size: Column, source: Source) -> Column:
    """Whether a line begins with # and has not as many tokens as a record."""
    value, delimiter = F.col("value"), source.delimiter
    unquoted = (
        csv_escapes.without_escapes(value) if source.escapes else F.regexp_replace(value, '"[^"]*"', "")
    )
    return value.startswith(csv_lines.COMMENT) & (F.size(F.split(unquoted, _regex(delimiter))) != size)


def _path(source: Source) -> Column:
    """The file's path in the folder of its source. Spark gives paths as those of URLs, in which + is no blank."""
    below = F.regexp_extract("_file", f"(?s){arrival.BELOW.format(source.name)}", 1)
    decoded = F.url_decode(F.replace(below, F.lit("+"), F.lit("%2B")))
    return F.when(F.contains(below, F.lit("%")), decoded).otherwise(below)


def _places(names: Sequence[str], source: Source) -> dict[str, object]:
    last = {name: at for at, name in enumerate(names)}
    first = {name: at for at, name in reversed([*enumerate(names)])}
    others = [{"key": name, "at": at} for name, at in last.items() if name not in source.fields]
    parts = [last[name] if name in last and last[name] != first[name] else None for name in source.fields]
    own = [first.get(name) for name in source.fields]
    return {"size": len(names), "own": own, "parts": parts, "others": others}


def _usual_places(source: Source) -> Column:
    size = len(source.fields)
    own = F.array(*map(F.lit, range(size)))
    return F.struct(F.lit(size), own, F.array(), F.array()).cast(_PLACES)


class Fields(NamedTuple):
    """What the lines of CSV files hold."""

    lines: DataFrame  # with `_is_record` and helping columns
    typed: dict[str, Column]
    rescued: Column


def read(lines: DataFrame, source: Source, has_places: bool) -> Fields:
    """Split lines into the columns of their source; `has_places`: they have `_places`."""
    split = lines.transform(_with_tokens, source)
    tokens = split.transform(_in_order, source) if has_places else split.withColumns(_usual(source))
    text, value = _helping_columns(source)
    token = {name: F.get("_tokens", F.lit(number)) for number, name in enumerate(source.fields)}
    with_texts = tokens.withColumns(
        {
            text[name]: _number(_value(token[name], source), kind, source)
            for name, kind in source.fields.items()
        }
    )
    found = with_texts.withColumns(
        {value[name]: reading(F.col(text[name]), kind, source.clock) for name, kind in source.fields.items()}
    )
    typed = {name: _given(F.col(value[name]), kind, source) for name, kind in source.fields.items()}
    misfits = F.array_compact(
        F.array(
            *[
                F.when(
                    is_misfit(F.col(text[name]), F.col(value[name])),
                    F.struct(F.lit(name).alias("key"), token[name].alias("value")),
                )
                for name in source.fields
            ]
        )
    )
    strange = F.concat(misfits, "_others") if has_places else misfits
    has_strange = F.col("_is_record") & (F.cardinality(strange) > 0)
    rescued = F.when(has_strange, F.to_variant_object(F.map_from_entries(strange)))
    return Fields(found, typed, rescued)


def without_helping_columns(rows: DataFrame, source: Source) -> DataFrame:
    """Return rows without what `read` has added to their lines."""
    own = [column for columns in _helping_columns(source) for column in columns.values()]
    return rows.drop("_tokens", "_others", *own)


def _helping_columns(source: Source) -> tuple[dict[str, str], dict[str, str]]:
    """Column of the source -> the columns that have its text, and what that is read as."""
    return numbered("_text", source.fields), numbered("_value", source.fields)


def _usual(source: Source) -> dict[str, Column]:
    return {"_is_record": _has(F.lit(len(source.fields)))}


def _in_order(lines: DataFrame, source: Source) -> DataFrame:
    """`_is_record`: whether there are as many tokens as columns; `_tokens` in the order of the source's columns.

    `_others` are the values of columns that the source does not have, as entries of a map.
    """
    others = F.transform(
        "_places.others",
        lambda other: F.struct(
            other["key"].alias("key"), _value(F.get("_tokens", other["at"]), source).alias("value")
        ),
    )
    # One step after the other: within a lambda, Spark takes the name of a column that the same step makes for that one.
    found = lines.withColumn("_others", F.filter(others, lambda other: other["value"].isNotNull()))
    is_record = _has(F.col("_places.size"))
    parts = csv_lines.names_of_parts(source)
    in_order = F.array(
        *[_joined(at, source) if name in parts else _token(at) for at, name in enumerate(source.fields)]
    )
    return found.withColumns({"_is_record": is_record, "_tokens": in_order}).drop("_places")


def _token(number: int, places: str = "own") -> Column:
    return F.get("_tokens", F.get(f"_places.{places}", F.lit(number)))


def _joined(number: int, source: Source) -> Column:
    """The token of an instant; both with a blank between them, where its day and its time have a column each."""
    token = _token(number)
    day, time = _value(token, source), _value(_token(number, "parts"), source)
    # A day alone would be its midnight.
    both = F.concat_ws(" ", F.coalesce(day, F.lit("?")), F.coalesce(time, F.lit("?")))
    joined = F.when(F.coalesce(day, time).isNotNull(), both)
    return F.when(F.get("_places.parts", F.lit(number)).isNull(), token).otherwise(joined)


def _has(tokens: Column) -> Column:
    return F.coalesce(F.size("_tokens") == tokens, F.lit(False))


def _with_tokens(lines: DataFrame, source: Source) -> DataFrame:
    """`_tokens` of the line; null where a quote is not where RFC 4180 has it, or an escape has no end."""
    delimiter, d = source.delimiter, _regex(source.delimiter)
    if source.escapes:
        return lines.withColumn("_tokens", csv_escapes.tokens(F.col("value"), delimiter, d))
    blanks = csv_lines.blanks(delimiter)
    quoted = rf'{blanks}*+"[^"]*+(?:""[^"]*+)*+"{blanks}*+'
    token = rf'{d}({quoted}(?={d}|\z)|(?!{blanks}*")[^{d}"]*+(?={d}|\z))'
    split = F.regexp_extract_all(F.concat(F.lit(delimiter), "value"), F.lit(token), 1)
    has_quotes = F.contains("value", F.lit('"'))
    unquoted = F.transform("_split", _unquoted)
    return (
        lines.withColumn("_split", F.when(has_quotes, split).otherwise(F.split("value", d)))
        .withColumn(
            "_tokens",
            # What the pattern passes over is in no token.
            F.when(~has_quotes, F.col("_split")).when(
                F.array_join("_split", delimiter) == F.col("value"), unquoted
            ),
        )
        .drop("_split")
    )


def _regex(delimiter: str) -> str:
    return f"\\{delimiter}" if delimiter == "|" else delimiter


def _unquoted(token: Column) -> Column:
    # Without s, a dot passes over none of the separators of lines that Unicode has besides the usual ones.
    inner = F.regexp_extract(token, r'(?s)^[ \t]*"(.*)"[ \t]*$', 1)
    return F.when(F.contains(token, F.lit('"')), F.replace(inner, F.lit('""'), F.lit('"'))).otherwise(token)


def _value(token: Column, source: Source) -> Column:
    """A token without the blanks around it; null if nothing is left, or what the source has for no value."""
    value = F.nullif(F.trim(token), F.lit(""))
    return F.when(~value.isin(*source.nulls), value) if source.nulls else value


def _given(value: Column, kind: str, source: Source) -> Column:
    """What a column is given; null for a number that the source has for no value, however it is spelled."""
    none = source.null_numbers
    return F.when(~value.cast("double").isin(*none), value) if none and _is_number(kind) else value


def _number(text: Column, kind: str, source: Source) -> Column:
    """With a decimal comma, points are no part of a number: whether they mean thousands is not known."""
    return F.translate(text, ",.", ".,") if _is_number(kind) and source.decimal == "," else text


def _is_number(kind: str) -> bool:
    return kind in ("INT", "BIGINT", "DOUBLE") or kind.startswith("DECIMAL")
