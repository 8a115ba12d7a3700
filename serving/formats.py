"""A page of rows as JSON, CSV or Arrow, and which of them a request takes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from serving.problems import Problem
from serving.values import NOT_FINITE, plain, texts

FORMULA = r"\A([=+\-@\t\r\n])"
MEDIA = {
    "json": "application/json",
    "csv": "text/csv",
    "arrow": "application/vnd.apache.arrow.stream",
}


def chosen(name: str | None, accept: str) -> str:
    """Return a format: the one that the request names, else the first that it accepts; JSON, where it says nothing.

    Raises Problem when it accepts none.
    """
    if name:
        return name
    ranges = sorted(_ranges(accept), key=lambda each: -each[1])
    for wanted, quality in ranges:
        for found, media in MEDIA.items():
            if quality > 0 and wanted in ("*/*", media, f"{media.partition('/')[0]}/*"):
                return found
    if not ranges:
        return "json"
    detail = (
        f"the header Accept has none of {', '.join(MEDIA.values())}; or name a format: {', '.join(MEDIA)}"
    )
    raise Problem(406, "Not in this format", detail)


def _ranges(accept: str) -> Iterable[tuple[str, float]]:
    for part in filter(None, (each.strip() for each in accept.split(","))):
        media, *parameters = (each.strip() for each in part.split(";"))
        weights = [each[2:] for each in parameters if each.startswith("q=")]
        try:
            yield media.lower(), float(weights[0]) if weights else 1.0
        except ValueError:
            yield media.lower(), 0.0


def as_json(rows: pa.Table, **about: object) -> bytes:
    """Return an object with what is said about the rows, and then `rows`, one object each."""
    columns = [plain(column) for column in rows.columns]
    listed = [dict(zip(rows.column_names, values, strict=True)) for values in zip(*columns, strict=True)]
    return json.dumps({**about, "rows": listed}, ensure_ascii=False, allow_nan=False).encode()


def as_csv(rows: pa.Table) -> bytes:
    """Return the rows under a line of column names: null as nothing, an empty text as "", lists and maps as JSON.

    A text that a spreadsheet would run as a formula gets an apostrophe in front, as in exported files.
    """
    columns = {name: _of_csv(rows[name]) for name in rows.column_names}
    buffer = BytesIO()
    csv.write_csv(pa.table(columns), buffer)
    return buffer.getvalue()


def _of_csv(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_nested(column.type):
        values = [None if value is None else json.dumps(value, ensure_ascii=False) for value in plain(column)]
        return pa.chunked_array([pa.array(values, pa.string())])
    if pa.types.is_string(column.type):
        return pc.replace_substring_regex(column, FORMULA, r"'\1")
    if pa.types.is_timestamp(column.type):
        return texts(column)
    if pa.types.is_floating(column.type):
        # Arrow writes them as Python does.
        found = column.cast(pa.string()).to_pylist()
        if any(value in NOT_FINITE for value in found):
            return pa.chunked_array([[value and NOT_FINITE.get(value, value) for value in found]])
    return column


def as_arrow(rows: pa.Table) -> bytes:
    """Return the rows as a stream of Arrow's IPC format, with the columns' own types."""
    buffer = BytesIO()
    with pa.ipc.new_stream(buffer, rows.schema) as stream:
        stream.write_table(rows)
    return buffer.getvalue()
