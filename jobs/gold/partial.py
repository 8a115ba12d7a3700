"""Slices that are made anew in part: late rows of some devices touch a day, and the other devices' rows stay.

A part of a slice is its rows with one value of the table's `part` column. Parts are made only where the rest is known
to be what it would be made to: all that is not published is the first account of a night that is newer than others,
and the slice is what was recorded when the same code built it.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

import catalog
from catalog.tables import Table
from jobs.delta.digests import Digest, digests_of
from jobs.delta.frames import any_of, is_in, union
from jobs.delta.lake import Lake

LEAST = 200_000  # rows of the slices; of fewer, all are made sooner than it is found out which have to be
MOST = 10_000  # late rows of a slice, beyond which it is made whole

Late = Mapping[date, int]  # slice -> late rows


@dataclass(frozen=True)
class Partial:
    """The parts of a slice that are made anew, as strings, and the digest of what stays."""

    parts: Sequence[str]
    rest: Digest


Partials = Mapping[date, Partial]  # by slice


@lru_cache
def code() -> str:
    """A short hash of all that says how gold is built: the catalog and this package."""
    folders = Path(catalog.__file__).parent, Path(__file__).parent
    files = [
        file for folder in folders for file in sorted(folder.rglob("*")) if file.suffix in (".py", ".toml")
    ]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def find(lake: Lake, late: Mapping[Table, Late]) -> dict[Table, Partials]:
    """The slices of each table that are made anew in part.

    `late` has the slices that late rows touch, of tables with a `part`; all that is not published yet arrived in the
    run's nights, for the first time.
    """
    recorded = _recorded(lake, late)
    large = {
        table: {day: late[table][day] for day in slices if late[table][day] <= MOST}
        for table, slices in recorded.items()
        if sum(digest.rows for digest in slices.values()) >= LEAST
    }
    found = _parts(lake, {table: list(days) for table, days in large.items() if days})
    if not found:
        return {}
    digests = _digests(lake, found)
    return {
        table: {
            day: Partial(
                values, _without(digests.whole[table.name, day], digests.parts.get((table.name, day)))
            )
            for day, values in days.items()
            if _is_same(digests.whole.get((table.name, day)), recorded[table][day])
        }
        for table, days in found.items()
    }


def is_of(column: str, kind: str, parts: Sequence[str]) -> Column:
    """Whether a column of a type has one of the values of some parts."""
    return F.col(column).isin(*[F.lit(part).cast(kind) for part in parts])


def replaced(table: Table, slices: Collection[date], partials: Mapping[date, Sequence[str]]) -> Column:
    """Whether a row of a gold table, or of what it is made from, is in some slices, or in the parts made of them."""
    whole = is_in(table.slice, set(slices) - partials.keys())
    kind = table.types.get(table.part, "")
    return any_of(
        [
            whole,
            *(
                (F.col(table.slice) == F.lit(day)) & is_of(table.part, kind, parts)
                for day, parts in partials.items()
            ),
        ]
    )


def together(digest: Digest | None, rest: Digest | None) -> Digest | None:
    """The digest of a slice of which one was made anew and the other stays; None of one without rows."""
    found = [each for each in (digest, rest) if each and each.rows]
    if not found:
        return None
    rows, total = sum(each.rows for each in found), sum(int(each.digest) for each in found)
    return replace(found[0], rows=rows, digest=str(total))


def _recorded(lake: Lake, late: Mapping[Table, Late]) -> dict[Table, dict[date, Digest]]:
    """The digests of those slices that were built by the code of today."""
    wanted = any_of(
        (F.col("table") == table.full_name) & is_in("night", days) for table, days in late.items()
    )
    rows = lake.read("ops.digests").where(wanted & (F.col("code") == code())).collect()
    return {
        table: {
            row.night: Digest(row.table, row.night, row.rows, row.digest)
            for row in rows
            if row.table == table.full_name
        }
        for table in late
    }


def _parts(lake: Lake, slices: Mapping[Table, Sequence[date]]) -> dict[Table, dict[date, list[str]]]:
    """The parts that what arrived in the run's nights touches; no slice in which some of it has none."""
    if not slices:
        return {}
    frames = [
        lake.read(f"silver.{name}")
        .where(is_in("event_date", days) & is_in("_night", lake.settings.nights))
        .select(
            F.lit(table.name).alias("table"),
            F.col("event_date").alias("day"),
            F.col(table.part).cast("string").alias("part"),
        )
        for table, days in slices.items()
        for name in table.reads
    ]
    found: dict[tuple[str, date], list[str]] = {}
    without = set()
    for row in union(frames).distinct().collect():
        if row.part is None:
            without.add((row.table, row.day))
        else:
            found.setdefault((row.table, row.day), []).append(row.part)
    return {
        table: {
            day: sorted(found.get((table.name, day), [])) for day in days if (table.name, day) not in without
        }
        for table, days in slices.items()
    }


@dataclass(frozen=True)
class _Digests:
    """Of slices as gold has them, and of parts of them; each by the table's name and the slice."""

    whole: Mapping[tuple[str, date], Digest]
    parts: Mapping[tuple[str, date], Digest]


def _digests(lake: Lake, parts: Mapping[Table, Mapping[date, Sequence[str]]]) -> _Digests:
    """The digests of the slices, and of those parts of them; in one query."""
    rows: dict[Table, DataFrame] = {}
    for table, days in parts.items():
        of_table = lake.read(table.full_name)
        rows[table] = of_table.where(is_in(table.slice, days))
        rows[replace(table, layer="part")] = of_table.where(replaced(table, days, days))
    whole: dict[tuple[str, date], Digest] = {}
    touched: dict[tuple[str, date], Digest] = {}
    for digest in digests_of(rows):
        layer, _, name = digest.table.partition(".")
        (touched if layer == "part" else whole)[name, digest.night] = digest
    return _Digests(whole, touched)


def _is_same(digest: Digest | None, recorded: Digest) -> bool:
    return digest is not None and (digest.rows, digest.digest) == (recorded.rows, recorded.digest)


def _without(whole: Digest, parts: Digest | None) -> Digest:
    if parts is None:
        return whole
    return replace(whole, rows=whole.rows - parts.rows, digest=str(int(whole.digest) - int(parts.digest)))
