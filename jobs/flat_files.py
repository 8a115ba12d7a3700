"""Rows as one file for other programs: CSV that a spreadsheet may open without fear, or Parquet."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType

# A spreadsheet takes a text that begins like this for a formula.
FORMULA = "=+-@\t\r\n"
NESTED = ("variant", "array", "map", "struct")


def is_nested(kind: DataType) -> bool:
    """Whether a column has no order and no plain text: it goes as JSON."""
    return kind.typeName() in NESTED


def text_of(name: str, kind: DataType) -> Column:
    """A column as text: variants, lists, maps and structs as JSON."""
    return (F.to_json(F.col(name)) if is_nested(kind) else F.col(name).cast("string")).alias(name)


def texts_of(rows: DataFrame) -> DataFrame:
    """Every column as text."""
    return rows.select(*[text_of(field.name, field.dataType) for field in rows.schema])


def in_order(rows: DataFrame) -> DataFrame:
    """The rows in one order, however they are stored: by all columns from left to right."""
    kinds = {field.name: field.dataType for field in rows.schema}
    return rows.orderBy(*[text_of(name, kind) if is_nested(kind) else name for name, kind in kinds.items()])


def csv_lines(rows: DataFrame) -> Iterator[str]:
    """A header, then a record for each row, times in UTC; what is not known is empty.

    A cell of a text column that a spreadsheet would run gets an apostrophe in front. Numbers stay as they are.
    """
    is_text = [is_nested(field.dataType) or field.dataType.typeName() == "string" for field in rows.schema]
    yield _record(rows.columns)
    for row in texts_of(rows).toLocalIterator():
        yield _record([_harmless(value) if text else value for value, text in zip(row, is_text, strict=True)])


def _record(values: Iterable[str | None]) -> str:
    text = io.StringIO()
    # The writer quotes what holds a character of its line end: both kinds, one of which the reader would stop at.
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue().removesuffix("\r\n")


def _harmless(value: str | None) -> str | None:
    return f"'{value}" if value and value[0] in FORMULA else value


def write_parquet(file: Path, parts: Iterable[DataFrame]) -> None:
    """Write frames of the same columns one after the other, each as a whole through memory; variants as JSON."""
    writer = None
    try:
        for part in parts:
            plain = [
                text_of(field.name, field.dataType)
                if field.dataType.typeName() == "variant"
                else F.col(field.name)
                for field in part.schema
            ]
            rows = part.select(*plain).toArrow()
            writer = writer or pq.ParquetWriter(file, rows.schema)
            writer.write_table(rows)
    finally:
        if writer:
            writer.close()
