"""Values of a line of JSON that is read field by field: of `_object`, its object, with the `_strings` within it."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.json_path import Path
from catalog.tables import Source
from jobs.delta.frames import any_of
from jobs.json_texts import REPLACEMENT, has_half_characters, json_text
from jobs.value_reading import is_misfit, reading


def careful_value(name: str, path: Path, source: Source) -> Column:
    """The value of a column at one of its paths; null where there is none, or none that fits."""
    kind = source.fields[name]
    if kind == "VARIANT":
        return variant(path)
    read = reading(_text(path, kind), kind, source.clock)
    if kind != "STRING" or name not in source.key:
        return read
    # 301 and 301.0 are one device.
    is_number = _is_of(path, "DECIMAL", "DOUBLE", "BIGINT")
    return F.when(is_number, as_string(path)).when(~_is_no_key(path), read)


def variant(path: Path) -> Column:
    """Whatever is at a path of the object."""
    return F.try_variant_get("_object", path.in_variant, "variant")


def _is_no_key(path: Path) -> Column:
    """Whether a value is none that a key of text can have.

    An object or an array would be a value as a text, and as a key another thing of its own; a text that has lost
    characters may be that of several devices.
    """
    is_cut = has_half_characters(F.col("value")) & F.contains(_text(path, "STRING"), F.lit(REPLACEMENT))
    return _is_of(path, "OBJECT", "ARRAY") | F.coalesce(is_cut, F.lit(False))


def _is_of(path: Path, *kinds: str) -> Column:
    """Whether a value within the object is one of some kinds, as variants call them."""
    kind = F.schema_of_variant(variant(path))
    return F.coalesce(any_of(kind.startswith(each) for each in kinds), F.lit(False))


def _text(path: Path, kind: str) -> Column:
    return json_text(path, kind, F.get("_strings", 0), "_object")


def is_misfit_at(name: str, path: Path, source: Source) -> Column:
    """Whether a column cannot have what is at one of its paths."""
    kind = source.fields[name]
    if kind == "STRING" and name in source.key:
        return _is_no_key(path)
    if kind in ("STRING", "VARIANT"):
        return F.lit(False)
    return is_misfit(_text(path, kind), kind, source.clock)


def as_string(path: Path) -> Column:
    """What is at a path as a text, numbers by their digits."""
    return F.try_variant_get("_object", path.in_variant, "string")
