"""Rows as one file for other programs: CSV without formulas for spreadsheets, or Parquet."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType

# A spreadsheet takes a string that begins with one of these for a formula.
FORMULA = "=+-@\t\r\n"
NESTED = ("variant", "array", "map", "struct")


def is_nested(kind: DataType) -> bool:
    """Whether a column can neither be sorted nor cast to a string: it is written as JSON."""
    return kind.typeName() in NESTED


def as_string(name: str, kind: DataType) -> Column:
    """Return a column as a string; variants, arrays, maps and structs as JSON."""
    return (F.to_json(F.col(name)) if is_nested(kind) else F.col(name).cast("string")).alias(name)


def as_strings(rows: DataFrame) -> DataFrame:
    """Return rows with every column as a string."""
    return rows.select(*[as_string(field.name, field.dataType) for field in rows.schema])


def in_order(rows: DataFrame) -> DataFrame:
    """Return the rows sorted by all columns from left to right, so that their order does not depend on storage."""
    kinds = {field.name: field.dataType for field in rows.schema}
    return rows.orderBy(*[as_string(name, kind) if is_nested(kind) else name for name, kind in kinds.items()])


def csv_lines(rows: DataFrame) -> Iterator[str]:
    """Yield a header, then one line per row; times are in UTC, nulls are empty.

    A string that a spreadsheet would run as a formula gets an apostrophe in front; numbers stay unchanged.
    """
    is_text = [is_nested(field.dataType) or field.dataType.typeName() == "string" for field in rows.schema]
    yield _csv_line(rows.columns)
    for row in as_strings(rows).toLocalIterator():
        yield _csv_line(
            [_harmless(value) if text else value for value, text in zip(row, is_text, strict=True)]
        )


def _csv_line(values: Iterable[str | None]) -> str:
    text = io.StringIO()
    # The writer quotes what holds a character of its line end: both kinds, one of which the reader would stop at.
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue().removesuffix("\r\n")


def _harmless(value: str | None) -> str | None:
    return f"'{value}" if value and value[0] in FORMULA else value


def variants_as_json(rows: DataFrame) -> DataFrame:
    """Return rows with JSON in place of variants, for readers that have no such type."""
    return rows.select(
        *[
            as_string(field.name, field.dataType)
            if field.dataType.typeName() == "variant"
            else F.col(field.name)
            for field in rows.schema
        ]
    )


def write_parquet(file: Path, parts: Iterable[DataFrame]) -> None:
    """Write frames of the same columns one after the other, each whole in memory; variants as JSON."""
    writer = None
    try:
        for part in parts:
            rows = variants_as_json(part).toArrow()
            writer = writer or pq.ParquetWriter(file, rows.schema)
            writer.write_table(rows)
    finally:
        if writer:
            writer.close()
