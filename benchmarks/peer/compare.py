"""Whether the project and the peer made the same of the same files: accounts, and gold row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

from deltalake import DeltaTable

from peer.gold_checks import CONTRACTS
from peer.lake import Lake
from peer.silver import ACCOUNT
from peer.sources import quoted

LATEST = 8  # days before its arrival about which a row or its copy can be
INSTANTS = ("hour", "raised_at")
# Rounded to six digits at the end of doubles that the project rounds once and DuckDB twice: the last digit may
# differ, and of a variance near zero what is left of subtracting two large numbers.
ROUNDED = {
    "avg_value": "abs(a.{0} - b.{0}) <= 1.5e-6",
    "avg_age_days": "abs(a.{0} - b.{0}) <= 1.5e-6",
    "stddev_value": "abs(a.{0} - b.{0}) <= 2e-6 OR abs(a.{0} * a.{0} - b.{0} * b.{0}) <= 1e-8",
}


def differences(warehouse: Path, folder: Path, nights: list[date]) -> Iterator[str]:
    """Yield what differs between the project's warehouse and the peer's lake, a sentence each.

    Compared are the accounts of the nights, and the gold slices that these nights may have made or restated.
    """
    lake = Lake(folder)
    yield from _of_accounts(lake, warehouse, nights)
    restated = [nights[0] - timedelta(ago) for ago in range(LATEST, 0, -1)]
    for table, contract in CONTRACTS.items():
        is_by_night = "night" in contract.key
        slices = nights if is_by_night else [*restated, *nights]
        yield from _of_gold(lake, warehouse, table, "night" if is_by_night else "event_date", slices)


def _of_accounts(lake: Lake, warehouse: Path, nights: list[date]) -> Iterator[str]:
    tables = (DeltaTable(warehouse / "ops.db/row_accounts"), DeltaTable(lake.path("ops.row_accounts")))
    for night in nights:
        counted = f"WHERE night = DATE '{night}' AND landed > 0 ORDER BY ALL"
        found = []
        for table in tables:
            lake.connection.register("accounts", _data(table))
            found.append(lake.fetch(f"SELECT source, {', '.join(ACCOUNT)} FROM accounts {counted}"))
        if found[0] != found[1] or not found[0]:
            yield f"accounts of {night}: {found[0]} and {found[1]}"


def _of_gold(lake: Lake, warehouse: Path, table: str, column: str, slices: Iterable[date]) -> Iterator[str]:
    tables = (DeltaTable(warehouse / f"gold.db/{table}"), DeltaTable(lake.path(f"gold.{table}")))
    for day in slices:
        for name, rows in zip(("a", "b"), tables, strict=True):
            lake.connection.register(f"{name}_rows", _data(rows, column, day))
        names = [name for name, *_ in lake.fetch("DESCRIBE a_rows")]
        counts = lake.fetch_one(f"""
            WITH a AS (SELECT {_columns(names)}, true AS is_there FROM a_rows WHERE {column} = DATE '{day}'),
                 b AS (SELECT {_columns(names)}, true AS is_there FROM b_rows WHERE {column} = DATE '{day}')
            SELECT count(*), count(a.is_there), count(b.is_there)
            FROM a FULL JOIN b USING ({quoted(CONTRACTS[table].key)})
            WHERE NOT coalesce(a.is_there AND b.is_there AND {_are_same(names)}, false)""")
        if counts[0]:
            yield f"gold.{table} of {day}: of rows that differ, the project has {counts[1]} and the peer {counts[2]}"


def _data(table: DeltaTable, column: str = "", day: date | None = None) -> object:
    return table.to_pyarrow_dataset(file_pruning_predicate=[(column, "=", str(day))] if day else None)


def _columns(names: Iterable[str]) -> str:
    return ", ".join(
        f'"{name}"::TIMESTAMP AS "{name}"' if name in INSTANTS else f'"{name}"' for name in names
    )


def _are_same(names: Iterable[str]) -> str:
    same = {name: f'a."{name}" IS NOT DISTINCT FROM b."{name}"' for name in names}
    for name in ROUNDED.keys() & same.keys():
        same[name] = f"({same[name]} OR {ROUNDED[name].format(name)})"
    return " AND ".join(same.values())
