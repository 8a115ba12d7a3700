"""Stage `publish`: what staging holds and the check has passed becomes gold."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from catalog.tables import GOLD, SOURCES, Table, sources_of
from jobs.delta import sql
from jobs.delta.digests import Digest
from jobs.delta.lake import Lake
from jobs.files import write_lines
from jobs.flat_files import csv_lines
from jobs.gold import restatements
from jobs.outcome import TableResult
from jobs.settings import Settings
from jobs.state import accounts, staged_slices

PARALLEL = 3
EXPORT = "iot_gold_export.csv"


def run(lake: Lake) -> list[TableResult]:
    """Replace the staged slices of every selected gold table, each table in one atomic commit.

    A slice that a run has published which staged it later is left as it is. Slices of other nights that come
    out different are noted in `ops.restatements`. Safe to repeat. Rows of a result: rows published.

    Raises JobError when this run has staged nothing.
    """
    known = ("ops.digests", "ops.restatements", accounts.TABLE)
    lake.ensure([*(table.full_name for table in lake.settings.gold), *known])
    slices, staged_at = staged_slices.staged(lake)
    with ThreadPoolExecutor(PARALLEL) as pool:
        published = list(
            pool.map(lambda table: _publish(lake, table, slices[table.name]), lake.settings.gold)
        )
    by_name = {table.full_name: slices[table.name] for table in lake.settings.gold if slices[table.name]}
    digests = [digest for found in published for digest in found]
    restatements.record(lake, by_name, digests, staged_at)
    lake.record_digests(by_name, digests)
    if "climate_hourly" in lake.settings.tables:
        _export(lake)
    staged_slices.publish(lake, slices, staged_at)
    accounts.publish(lake, _sources_done(lake.settings), staged_at)
    return [
        TableResult(table.full_name, sum(digest.rows for digest in found))
        for table, found in zip(lake.settings.gold, published, strict=True)
    ]


def _publish(lake: Lake, table: Table, slices: list[date]) -> list[Digest]:
    """Replace a table's slices by those staged; give the digests of what is published now."""
    if not slices:
        return []
    these = sql.dates(table.slice, slices)
    rows = lake.read_staged(table.name).where(these)
    lake.replace_where(table.full_name, rows, these)
    return lake.digests(table.full_name, slices)


def _sources_done(settings: Settings) -> list[str]:
    """The sources all of whose gold tables this run publishes."""
    left_out = [sources_of(table) for name, table in GOLD.items() if name not in settings.tables]
    return [name for name, source in SOURCES.items() if not any(source in sources for sources in left_out)]


def _export(lake: Lake) -> None:
    """Write `gold.climate_hourly` to one CSV file that spreadsheets may open without fear."""
    hours = lake.read("gold.climate_hourly").orderBy("hour", "location")
    write_lines(lake.settings.home / "export" / EXPORT, csv_lines(hours))
