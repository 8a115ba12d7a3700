"""Why a row is not whole: what bronze has kept of it in `_rescued`, since no column has it."""

import re
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.envelope import ROOT
from catalog.json_path import containers, path_of
from catalog.tables import Source
from jobs.delta.frames import any_of, map_of

CAME_MEANWHILE = "came while its night was reconciled: run silver again"
SHOWN = 3  # fields that a reason names
_QUOTED = r"\['([^']*)'\]"  # a name within a path


def with_misfits(rows: DataFrame, source: Source, *, has_rescued: bool = True) -> DataFrame:
    """Add `_rescued_misfits`: a reason for each value in `_rescued` that a column should have had, ARRAY<STRING>.

    It is about rows with `_line`, the bronze row. Where no row is known to have `_rescued`, one that has it
    nevertheless came after they were counted.
    """
    is_rescued, nothing = F.col("_line._rescued").isNotNull(), F.array().cast("array<string>")
    if not has_rescued:
        return rows.withColumn(
            "_rescued_misfits", F.when(is_rescued, F.array(F.lit(CAME_MEANWHILE))).otherwise(nothing)
        )
    # Without nulls: among these, nobody knows what an array lacks.
    lacking = F.array_compact(
        F.array(*[F.when(F.col(f"_line.{each}").isNull(), F.lit(each)) for each in source.fields])
    )
    found = rows.withColumns(
        {
            "_entries": F.expr("map_entries(try_cast(_line._rescued AS MAP<STRING, VARIANT>))"),
            "_lacking": F.when(is_rescued, lacking),
        }
    )
    reasons = F.array_compact(
        F.transform("_entries", lambda field: _misfit(field["key"], field["value"], source))
    )
    if source.format == "json":
        rescued = F.transform("_entries", lambda field: field["key"])
        reasons = F.concat(reasons, _nothing_known(rescued, source))
    found = found.withColumn("_rescued_misfits", F.when(is_rescued, reasons).otherwise(nothing))
    # Spark looks up a frame at once to drop columns of it: within a pipeline, that is not there yet.
    return found.select(F.expr("* EXCEPT (_entries, _lacking)"))


def _nothing_known(rescued: Column, source: Source) -> Column:
    """A reason where all that a row has besides its key and times stands in fields that are unknown: ARRAY<STRING>.

    What the document around it has is no value of the row, unless all of its columns lie there.
    """
    measured = [
        name for name, kind in source.fields.items() if name not in source.key and kind != "TIMESTAMP"
    ]
    unknown = F.filter(rescued, lambda path: ~path.isin(*_columns(source), *_others_within(source)))
    own = [name for name in measured if any(path.steps[0] != ROOT for path in source.paths[name])]
    if source.records and own:
        measured = own
        unknown = F.filter(unknown, lambda path: ~path.rlike(rf"^\{ROOT}[.\[]"))
    # Without any, there is nothing to lack.
    is_empty = F.lit(bool(measured)) & ~any_of(F.col(f"_line.{name}").isNotNull() for name in measured)
    listed = F.array_join(F.slice(F.sort_array(unknown), 1, SHOWN), ", ")
    said = F.array(F.concat(F.lit("no column has a value, only unknown fields: "), listed))
    return F.when(is_empty & (F.size(unknown) > 0), said).otherwise(F.array().cast("array<string>"))


def _misfit(path: Column, value: Column, source: Source) -> Column:
    """Why a value is in no column: it does not fit, or its name is nearly that of something without a value.

    That is a column, or what has columns within it; the name is in another case, or has the dots of a path within it.
    """
    columns, within = _columns(source), _others_within(source)
    lacking = F.col("_lacking")
    column_at = map_of({at: name for at, name in columns.items() if at not in within})
    # Of a column with several paths, another has a value.
    is_needed = F.coalesce(F.array_contains(lacking, F.try_element_at(column_at, path)), F.lit(True))
    reasons = {at: f"{at} is no {source.fields[name]}" for at, name in columns.items()} | within
    meant = F.try_element_at(
        map_of({_loosely(at): at for at in (*within, *columns)}), _loosely_in_spark(path, source)
    )
    is_lacking = F.array_contains(lacking, F.try_element_at(column_at, meant))
    is_meant = F.coalesce(is_lacking, F.array_contains(_without_values(within, source), meant))
    is_its_value = is_meant & (meant != path) & ~F.is_variant_null(value)
    return F.coalesce(
        F.when(is_needed, F.try_element_at(map_of(reasons), path)),
        F.when(is_its_value, F.concat(meant, F.lit(" came as "), path)),
    )


def _without_values(within: Mapping[str, str], source: Source) -> Column:
    """What has columns within it, none of which has a value: ARRAY<STRING>."""
    found = []
    for at in within:
        steps = path_of(at).steps
        columns = [
            f"_line.{name}"
            for name, paths in source.paths.items()
            if any(path.steps[: len(steps)] == steps for path in paths)
        ]
        found.append(F.when(~any_of(F.col(column).isNotNull() for column in columns), F.lit(at)))
    return F.array_compact(F.array(*found)) if found else F.array().cast("array<string>")


def _columns(source: Source) -> dict[str, str]:
    """As what `_rescued` has the values of columns, and the columns: their paths, those of CSV by their own names."""
    if source.format == "csv":
        return {name: name for name in source.fields}
    return {str(path): name for name, paths in source.paths.items() for path in paths}


def _others_within(source: Source) -> dict[str, str]:
    """What has columns within it, and the reason of a row where it is something else that can have none."""
    if source.format == "csv":
        return {}
    kinds = containers(path for paths in source.paths.values() for path in paths)
    return {str(path): f"{path} is no {kind}" for path, kind in kinds.items() if path.steps}


def _loosely(path: str) -> str:
    return re.sub(_QUOTED, r".\1", path).lstrip(".").lower()


def _loosely_in_spark(path: Column, source: Source) -> Column:
    path = F.ltrim(F.regexp_replace(path, _QUOTED, ".$1"), F.lit(".")) if source.names else path
    return F.lower(path)
