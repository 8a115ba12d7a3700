"""Stage `publish`: what staging holds and the check has passed becomes gold."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from catalog.tables import GOLD, SOURCES, TABLES, Table, sources_of
from jobs.delta.frames import is_in
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
    out different are recorded in `ops.restatements`. Safe to repeat. Rows of a result: rows published.

    Raises JobError when this run has staged nothing.
    """
    known = ("ops.digests", "ops.restatements", accounts.TABLE)
    lake.ensure([*(table.full_name for table in lake.settings.gold), *known])
    slices, staged_at = staged_slices.staged(lake)
    by_name = {table.full_name: slices[table.name] for table in lake.settings.gold if slices[table.name]}
    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(lambda name: _publish(lake, TABLES[name], by_name[name]), by_name))
    digests = lake.digests(by_name)
    restatements.record(lake, by_name, digests, staged_at)
    lake.record_digests(by_name, digests)
    if "climate_hourly" in lake.settings.tables:
        _export(lake)
    staged_slices.publish(lake, slices, staged_at)
    accounts.publish(lake, _sources_done(lake.settings), staged_at)
    rows = Counter[str]()
    for digest in digests:
        rows[digest.table] += digest.rows
    return [TableResult(table.full_name, rows[table.full_name]) for table in lake.settings.gold]


def _publish(lake: Lake, table: Table, slices: list[date]) -> None:
    """Replace a table's slices by those staged."""
    these = is_in(table.slice, slices)
    lake.replace_where(table.full_name, lake.read_staged(table.name).where(these), these)


def _sources_done(settings: Settings) -> list[str]:
    """The sources all of whose gold tables this run publishes."""
    left_out = [sources_of(table) for name, table in GOLD.items() if name not in settings.tables]
    return [name for name, source in SOURCES.items() if not any(source in sources for sources in left_out)]


def _export(lake: Lake) -> None:
    """Write `gold.climate_hourly` to one CSV file that spreadsheets may open without fear."""
    hours = lake.read("gold.climate_hourly").orderBy("hour", "location")
    write_lines(lake.settings.home / "export" / EXPORT, csv_lines(hours))
