"""Published gold tables and their Iceberg copies: which table of which catalog, from which rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING

from catalog.tables import Table
from jobs.delta.digests import Digest
from jobs.delta.frames import is_in
from jobs.delta.lake import Lake
from jobs.flat_files import variants_as_json
from jobs.iceberg import catalogs

if TYPE_CHECKING:
    from jobs.iceberg.copies import Copied, Read, Slices


def copy(lake: Lake, catalog: str, tables: Collection[Table]) -> dict[str, Copied]:
    """Bring the copies of gold tables up to what is published; return each by the full name of its table.

    One snapshot a table, none for a table whose copy is up to date. Raises UsageError for a catalog that is not
    configured, JobError for one that does not answer or for slices that have other rows than `ops.digests` counts.
    """
    with catalogs.answering(catalog):
        opened = catalogs.load(catalog, lake.settings.home)
        # pyiceberg takes a second to import: only with a catalog.
        from jobs.iceberg.copies import Original, bring_up_to_date

        # Before any row is read: what others publish meanwhile is then copied again, not missed.
        digests = _digests(lake, [table.full_name for table in tables])
        by = json.loads(lake.commit_metadata)
        return {
            table.full_name: bring_up_to_date(
                opened,
                name_of(lake, table),
                Original(table.slice, digests[table.full_name], _reader(lake, table), table.grain, by),
            )
            for table in tables
        }


def maintain(lake: Lake, catalog: str, tables: Iterable[Table], before: datetime) -> int:
    """Maintain the copies that there are; return how many files of expired snapshots went."""
    with catalogs.answering(catalog):
        opened = catalogs.load(catalog, lake.settings.home)
        from jobs.iceberg import upkeep

        return sum(upkeep.maintain(opened, name_of(lake, table), before) for table in tables)


def name_of(lake: Lake, table: Table) -> str:
    """`namespace.table` of a copy, as Delta's schema and table are called."""
    return f"{lake.settings.prefix}{table.full_name}"


def _digests(lake: Lake, names: list[str]) -> dict[str, Slices]:
    rows = lake.read("ops.digests").where(is_in("table", names))
    found: dict[str, dict[date, Digest]] = {name: {} for name in names}
    for row in rows.select("table", "night", "rows", "digest").collect():
        found[row.table][row.night] = Digest(row.table, row.night, row.rows, row.digest)
    return dict(found)


def _reader(lake: Lake, table: Table) -> Read:
    rows = variants_as_json(lake.read(table.full_name))
    return lambda days: rows.where(is_in(table.slice, days)).toArrow()
