"""Stage `verify`: check that the recorded accounts and digests of a night still hold."""

import logging
from collections.abc import Mapping
from datetime import date
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from catalog.tables import TABLES, Source, Table
from jobs.bronze.stage import landed_rows
from jobs.delta.digests import digests_of
from jobs.delta.lake import Lake
from jobs.errors import ContractBroken
from jobs.outcome import TableResult
from jobs.silver import pending
from jobs.silver.reconciliation import accounts_of
from jobs.silver.validation import validated
from jobs.state import accounts
from jobs.state.accounts import Account

# Which of the repeated rows of a key were corrections depends on other nights.
COUNTS = ("landed", "bronze", "silver", "quarantined", "repeated")
# What bronze keeps of where and when it read a row; a lake may have been moved since.
OF_THE_READING = ("_file", "_ingested_at")

log = logging.getLogger("jobs")


def run(lake: Lake) -> list[TableResult]:
    """Recompute the night's row accounts and digests from the tables, and read its files anew; log when all hold.

    Raises ContractBroken with each account and digest that does not hold, and each source whose files do not give the
    rows of bronze any more, or when nothing is recorded.
    """
    balances, digests = _accounts(lake), _digests(lake)
    results = [*balances, *_files(lake), *digests]
    broken = [
        f"{result.table} ({result.detail['found']})" for result in results if not result.detail["holds"]
    ]
    if broken:
        raise ContractBroken(f"{len(broken)} of {len(results)} do not hold: {'; '.join(broken)}", results)
    if not results:
        raise ContractBroken(f"nothing is recorded for {lake.settings.night}: was the night run?")
    log.info("%s: %d accounts balance and %d digests hold", lake.settings.night, len(balances), len(digests))
    return results


def _accounts(lake: Lake) -> list[TableResult]:
    of_night = accounts.of_nights(lake, [lake.settings.night])
    recorded = {row.source: row for row in of_night.collect()}
    nights = {source: [lake.settings.night] for source in lake.settings.sources if source.name in recorded}
    results = []
    for found in _recount(lake, nights):
        row = Account.of(recorded[found.source])
        holds = found.is_balanced and all(getattr(found, name) == getattr(row, name) for name in COUNTS)
        counts = ", ".join(
            f"{name} {getattr(found, name):,} (recorded {getattr(row, name):,})" for name in COUNTS
        )
        results.append(
            TableResult(f"account of {found.source}", found.bronze, {"holds": holds, "found": counts})
        )
    return results


def _recount(lake: Lake, nights: dict[Source, list[date]]) -> list[Account]:
    """The accounts as they should be, from rows that are validated anew."""
    batches = pending.of_nights(lake, nights)
    digests = lake.digests({batch.silver.full_name: batch.nights for batch in batches})
    return accounts_of(lake, batches, partial(validated, lake), digests)


def _files(lake: Lake) -> list[TableResult]:
    """Of each source with an account, whether the night's files, read anew, give the rows that bronze has of them.

    They do not where somebody has changed a file after it was read, or how the catalog says that it is read.
    """
    of_night = accounts.of_nights(lake, [lake.settings.night]).where("bronze > 0")
    recorded = {row.source for row in of_night.select("source").collect()}
    sources = {TABLES[f"bronze.{each.name}"]: each for each in lake.settings.sources if each.name in recorded}
    night = F.col("_night") == F.lit(lake.settings.night)
    kept = digests_of({table: lake.read(table.full_name).where(night) for table in sources}, OF_THE_READING)
    now = {each.table: each for each in digests_of(_read_anew(lake, sources), OF_THE_READING)}
    return [
        TableResult(
            f"files of {TABLES[each.table].name}",
            each.rows,
            {"holds": now.get(each.table) == each, "found": "they give other rows than bronze has of them"},
        )
        for each in sorted(kept, key=lambda digest: digest.table)
    ]


def _read_anew(lake: Lake, sources: Mapping[Table, Source]) -> dict[Table, DataFrame]:
    night = [lake.settings.night]
    return {table: landed_rows(lake, source, night) for table, source in sources.items()}


def _digests(lake: Lake) -> list[TableResult]:
    night = lake.read("ops.digests").where(F.col("night") == F.lit(lake.settings.night))
    kept = sorted(night.collect(), key=lambda row: str(row.table))
    recorded = [row for row in kept if row.table in TABLES]
    if gone := [row.table for row in kept if row.table not in TABLES]:
        log.warning(
            "%s: the catalog has no more, and nothing is said of: %s", lake.settings.night, ", ".join(gone)
        )
    of_night = lake.digests({row.table: [lake.settings.night] for row in recorded})
    found = {digest.table: digest for digest in of_night}
    results = []
    for row in recorded:
        now = found.get(row.table)
        holds = now is not None and (now.rows, now.digest) == (row.rows, row.digest)
        text = f"{now.rows:,} rows, {now.digest}" if now else "no rows"
        results.append(TableResult(row.table, row.rows, {"holds": holds, "found": text}))
    return results
