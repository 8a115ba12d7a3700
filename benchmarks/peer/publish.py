"""Publishing: one atomic commit a table for the touched slices, digests read back from it, and what was restated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import pyarrow as pa

from peer.gold import READINGS, Slices, staged
from peer.lake import Lake, Row, on_dates
from peer.silver import of_dates
from peer.sources import quoted

Digest = tuple[str, date, int, str]  # table, slice, rows, and the sum of their hashes
RESTATEMENT = (
    *("night", "table", "slice", "rows_before", "digest_before"),
    *("rows_after", "digest_after", "hours", "late_rows"),
)


def publish(
    lake: Lake, night: date, slices: Mapping[str, Slices], silver: Iterable[Digest]
) -> tuple[list[Digest], list[Row]]:
    """Replace the touched slices of gold by what is staged; record digests, also those of silver.

    Returns the digests of gold, and the restatements: slices of other nights that came out different.
    """
    found = [digest for table, touched in slices.items() for digest in _replace(lake, night, table, touched)]
    before = _recorded(lake)
    changed = [
        (str(night), table, str(day), *before[table, day], rows, digest)
        for table, day, rows, digest in found
        if day != night and before.get((table, day), (rows, digest)) != (rows, digest)
    ]
    restated = _with_what_was_late(lake, night, slices["sensor_hourly"].dates, changed) if changed else []
    if restated:
        columns = zip(RESTATEMENT, zip(*restated, strict=True), strict=True)
        rows = pa.table({name: list(column) for name, column in columns})
        lake.replace("ops.restatements", rows, f"night = '{night}'")
    _record(lake, [*found, *silver])
    return found, restated


def _replace(lake: Lake, night: date, table: str, touched: Slices) -> list[Digest]:
    name, column = f"gold.{table}", touched.column
    metadata = {"night": str(night), "stage": "publish"}
    rows = f"SELECT * FROM {staged(table)}"
    lake.replace(name, rows, on_dates(column, touched.dates), [column], metadata)
    columns = quoted(each for each, *_ in lake.fetch(f"DESCRIBE {staged(table)}"))
    if (published := lake.rows(name, column, touched.dates)) is None:
        return []
    digests = f"SELECT {column}, count(*), sum(hash({columns})::HUGEINT) FROM {published} GROUP BY ALL"
    return [(name, day, count, str(digest)) for day, count, digest in lake.fetch(digests)]


def _recorded(lake: Lake) -> dict[tuple[str, date], tuple[int, str]]:
    rows = lake.rows("ops.digests")
    found = lake.fetch(f'SELECT "table", night, rows, digest FROM {rows}') if rows else []
    return {(table, day): (count, digest) for table, day, count, digest in found}


def _record(lake: Lake, digests: list[Digest]) -> None:
    kinds = (pa.string(), pa.date32(), pa.int64(), pa.string())
    columns = zip(*digests, strict=True)
    fresh = pa.table(
        {
            name: pa.array(column, kind)
            for name, kind, column in zip(("table", "night", "rows", "digest"), kinds, columns, strict=True)
        }
    )
    lake.connection.register("fresh", fresh)
    former = lake.rows("ops.digests")
    kept = f'SELECT * FROM {former} ANTI JOIN fresh USING ("table", night) UNION ALL ' if former else ""
    lake.replace("ops.digests", f"{kept}SELECT * FROM fresh")


def _with_what_was_late(lake: Lake, night: date, dates: list[date], changed: list[Row]) -> list[Row]:
    """Add to each changed slice the hours to which late readings came, and how many these were."""
    late = lake.fetch(
        f'SELECT event_date, list(DISTINCT hour("timestamp")), count(*) FROM {of_dates(lake, READINGS, dates)} '
        f"WHERE _night = DATE '{night}' GROUP BY ALL"
    )
    by_date = {str(day): (sorted(hours), rows) for day, hours, rows in late}
    return [(*row, *by_date.get(row[2], ([], 0))) for row in changed]
