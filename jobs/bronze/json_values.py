"""Values of a line of JSON that is read field by field, as `jobs.bronze.json_containers` finds them in it."""

from collections.abc import Mapping
from functools import lru_cache

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.json_path import Path
from catalog.tables import Source
from jobs.bronze.json_containers import as_string, is_within_text, text_at, variant
from jobs.delta.frames import any_of, numbered
from jobs.json_texts import REPLACEMENT, has_half_characters
from jobs.value_reading import is_blank, is_misfit, reading

_DAY = r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}$"


@lru_cache
def careful_columns(source: Source) -> Mapping[tuple[str, Path | None], str]:
    """Return which column `with_careful_values` adds for a column of the source and one of its paths, or its parts."""
    places: list[tuple[str, Path | None]] = []
    for name, paths in source.paths.items():
        places += [(name, path) for path in paths] + ([(name, None)] if has_parts(name, source) else [])
    return numbered("_careful", places)


def with_careful_values(lines: DataFrame, source: Source) -> DataFrame:
    """Add to lines what is read at each path of each column, where the line is not plain."""
    read = {
        column: _read(name, path, source) if path else _joined(name, source)
        for (name, path), column in careful_columns(source).items()
    }
    return lines.withColumns({column: F.when(~F.col("_is_plain"), value) for column, value in read.items()})


def careful_value(name: str, path: Path, source: Source) -> Column:
    """The value of a column at one of its paths; null where there is none, or none that fits."""
    return F.col(careful_columns(source)[name, path])


def _read(name: str, path: Path, source: Source) -> Column:
    kind = source.fields[name]
    if kind == "VARIANT":
        found = variant(path, source)
        # Of several paths, null is at none.
        return F.when(~F.is_variant_null(found), found) if len(source.paths[name]) > 1 else found
    read = reading(text_at(path, kind, source), kind, source.clock)
    if has_parts(name, source):
        return F.when(~_is_day(path, source), read)
    if kind != "STRING" or name not in source.key:
        return read
    # 301 and 301.0 are one device.
    is_number = _is_of(path, source, "DECIMAL", "DOUBLE", "BIGINT")
    return F.when(is_number, as_string(path, source)).when(~_is_no_key(path, source), read)


def has_parts(name: str, source: Source) -> bool:
    """Whether a column may have its day at one place, and its time at another: an instant with two paths."""
    return source.fields[name] == "TIMESTAMP" and len(source.paths[name]) == 2


def joined_value(name: str, source: Source) -> Column:
    """The instant of a column that has parts which both say together; null where that is none."""
    return F.col(careful_columns(source)[name, None])


def _joined(name: str, source: Source) -> Column:
    texts = [text_at(path, "TIMESTAMP", source) for path in source.paths[name]]
    both = F.concat_ws(" ", *map(F.trim, texts))
    are_there = ~is_blank(texts[0]) & ~is_blank(texts[1])
    return F.when(are_there, reading(both, "TIMESTAMP", source.clock))


def _is_day(path: Path, source: Source) -> Column:
    """Whether a value is a day alone, which would be its midnight."""
    return F.coalesce(F.trim(text_at(path, "TIMESTAMP", source)).rlike(_DAY), F.lit(False))


def _is_no_key(path: Path, source: Source) -> Column:
    """Whether a value is none that a key of text can have.

    An object, an array or a boolean would be a value as a text, and as a key another thing of its own; a text that has
    lost characters may be that of several devices.
    """
    may_be_cut = has_half_characters(F.col("value")) | is_within_text(path, source)
    is_cut = may_be_cut & F.contains(text_at(path, "STRING", source), F.lit(REPLACEMENT))
    return _is_of(path, source, "OBJECT", "ARRAY", "BOOLEAN") | F.coalesce(is_cut, F.lit(False))


def _is_of(path: Path, source: Source, *kinds: str) -> Column:
    """Whether a value is one of some kinds, as variants call them."""
    kind = F.schema_of_variant(variant(path, source))
    return F.coalesce(any_of(kind.startswith(each) for each in kinds), F.lit(False))


def is_misfit_at(name: str, path: Path, source: Source) -> Column:
    """Whether a column cannot have what is at one of its paths."""
    kind = source.fields[name]
    if kind == "STRING" and name in source.key:
        return _is_no_key(path, source)
    if kind in ("STRING", "VARIANT"):
        return F.lit(False)
    return is_misfit(text_at(path, kind, source), careful_value(name, path, source))
