"""What no column has of a line of JSON that is read field by field: unknown members, and values that do not fit."""

from collections.abc import Iterator, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from catalog.json_path import BARE, Path, containers
from catalog.tables import Source
from jobs.bronze.json_containers import as_string, columns_within, variant
from jobs.bronze.json_values import careful_value, has_parts, is_misfit_at, joined_value
from jobs.delta.frames import any_of
from jobs.json_texts import is_in_the_way
from jobs.value_reading import is_blank

_ENTRIES = "ARRAY<STRUCT<key: STRING, value: VARIANT>>"


def rescued(source: Source) -> Column:
    """Values that are unknown or do not fit, under their paths, as one VARIANT; null where there are none."""
    columns = [path for paths in source.paths.values() for path in paths]
    parents = containers(columns)
    known = [str(path) for path in (*columns, *parents)]
    misfits = F.array_compact(F.array(*_misfits(source, parents)))
    # What is within a column is known, whatever it is called.
    looked_into = [
        parent for parent in parents if not any(each in columns for each in (*parent.parents, parent))
    ]
    unknown = [
        F.filter(
            _members(parent, parents[parent], source),
            lambda member: ~member["key"].isin(known),
        )
        for parent in looked_into
    ]
    found = F.concat(misfits, *unknown)
    is_rescued = ~F.col("_is_plain") & F.col("_is_record") & (F.cardinality(found) > 0)
    return F.when(is_rescued, F.to_variant_object(F.map_from_entries(found)))


def _members(parent: Path, kind: str, source: Source) -> Column:
    """The members of an object or array under their paths: ARRAY<STRUCT<key, value>>; empty for what is none."""
    value, within = F.col(columns_within(source)[parent]), str(parent)
    if kind == "array":
        found = F.transform(
            value.try_cast("array<variant>"),
            lambda element, at: _member(
                F.concat(F.lit(f"{within}["), at.cast("string"), F.lit("]")), element
            ),
        )
    else:
        found = F.map_entries(value.try_cast("map<string, variant>"))
        if source.names:
            found = F.transform(
                found, lambda member: _member(_spelled(within, member["key"]), member["value"])
            )
    return F.coalesce(found, F.array().cast(_ENTRIES))


def _member(key: Column, value: Column) -> Column:
    return F.struct(key.alias("key"), value.alias("value"))


def _spelled(within: str, name: Column) -> Column:
    """The path of a member, as `catalog.json_path` spells it; a quote within the name has a backslash."""
    quoted = F.concat(F.lit(f"{within}['"), F.regexp_replace(name, r"(['\\])", r"\\$1"), F.lit("']"))
    return F.when(name.rlike(f"^{BARE}$"), F.concat(F.lit(f"{within}." if within else ""), name)).otherwise(
        quoted
    )


def _misfits(source: Source, parents: Mapping[Path, str]) -> Iterator[Column]:
    """What is there and does not fit, under its path, once; null where it does."""
    found: dict[Path, list[Column]] = {}
    for name, paths in source.paths.items():
        for number, path in enumerate(paths):
            # A value besides that of the column is unknown to it.
            has_value = any_of(careful_value(name, each, source).isNotNull() for each in paths[:number])
            is_second = has_value & ~is_blank(as_string(path, source)) if number else F.lit(False)
            is_joined = joined_value(name, source).isNotNull() if has_parts(name, source) else F.lit(False)
            found[path] = [~is_joined & (is_misfit_at(name, path, source) | is_second)]
    for parent, kind in parents.items():
        if parent.steps:
            # A VARIANT may have others within it.
            is_other = is_in_the_way(Path(()), kind, columns_within(source)[parent])
            found[parent] = [*found.get(parent, []), is_other]
    for path, conditions in found.items():
        yield F.when(any_of(conditions), _member(F.lit(str(path)), variant(path, source)))
