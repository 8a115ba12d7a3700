"""From a landed line to typed columns, keeping what does not fit: pure frame-to-frame functions.

Both formats take `value` (the line, never blank) and give the source's typed columns, `_rescued` (a VARIANT object
of fields that are unknown or whose value does not fit the column's type, those of JSON under their paths) and
`_malformed` (the line itself when it is malformed, with U+FFFD for what is no UTF-8). Other columns pass through.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from catalog.tables import Source
from jobs.bronze import csv_records, json_fields


def parse(lines: DataFrame, source: Source, has_places: bool = False) -> DataFrame:
    """Parse the lines of a source by its format; `has_places`: those of CSV files have `_places`, of their layouts."""
    if source.format == "csv":
        rows = _with(*csv_records.read(lines, source, has_places))
        return csv_records.without_helping_columns(rows, source)
    return json_fields.without_helping_columns(_with(*json_fields.read(lines, source)), source)


def _with(parsed: DataFrame, typed: dict[str, Column], rescued: Column) -> DataFrame:
    columns = {
        **{name: F.when(F.col("_is_record"), column) for name, column in typed.items()},
        "_rescued": rescued,
        "_malformed": F.when(~F.col("_is_record"), F.make_valid_utf8("value")),
    }
    # A column of the source may be called like that of the line.
    return parsed.withColumns(columns).drop("_is_record", *{"value"} - columns.keys())
