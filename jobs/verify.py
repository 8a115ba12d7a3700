"""Stage `verify`: does what `ops` says about a night still hold?"""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from catalog.tables import Source
from jobs import store
from jobs.results import ContractBroken, TableResult
from jobs.settings import Settings
from jobs.silver import settle

log = logging.getLogger("jobs")

PARALLEL = 4


def run(spark: SparkSession, settings: Settings) -> list[TableResult]:
    """Recompute the night's row accounts and digests from the tables themselves; say so when all hold.

    Raises ContractBroken that names each account and digest that does not hold.
    """
    accounts, digests = _accounts(spark, settings), _digests(spark, settings)
    results = [*accounts, *digests]
    broken = [
        f"{result.table} ({result.detail['found']})" for result in results if not result.detail["holds"]
    ]
    if broken:
        raise ContractBroken(f"{len(broken)} of {len(results)} do not hold: {'; '.join(broken)}", results)
    if not results:
        raise ContractBroken(f"nothing is recorded for {settings.night}: was the night run?")
    log.info("%s: %d accounts balance and %d digests hold", settings.night, len(accounts), len(digests))
    return results


def _accounts(spark: SparkSession, settings: Settings) -> list[TableResult]:
    night = store.read(spark, settings, "ops.row_accounts").where(store.dates("night", [settings.night]))
    recorded = {row.source: row for row in night.collect()}
    nights = {source: [settings.night] for source in settings.sources if source.name in recorded}
    results = []
    for found in _recount(spark, settings, nights):
        row = recorded[found.source]
        holds = found.is_balanced and all(getattr(found, fate) == row[fate] for fate in settle.FATES)
        counts = ", ".join(
            f"{fate} {getattr(found, fate):,} (recorded {row[fate]:,})" for fate in settle.FATES
        )
        results.append(
            TableResult(f"account of {found.source}", found.bronze, {"holds": holds, "found": counts})
        )
    return results


def _recount(
    spark: SparkSession, settings: Settings, nights: dict[Source, list[date]]
) -> list[settle.Account]:
    claims = [settle.claim(spark, settings, source, days) for source, days in nights.items()]
    with ThreadPoolExecutor(PARALLEL) as pool:
        kept = pool.map(lambda claim: settle.count(claim, claim.judge()), claims)
        return settle.accounts(spark, settings, dict(zip(claims, kept, strict=True)))


def _digests(spark: SparkSession, settings: Settings) -> list[TableResult]:
    night = store.read(spark, settings, "ops.digests").where(F.col("night") == F.lit(settings.night))
    recorded = sorted(night.collect(), key=lambda row: str(row.table))
    with ThreadPoolExecutor(PARALLEL) as pool:
        lists = pool.map(lambda row: store.digests(spark, settings, row.table, [settings.night]), recorded)
        found = {digest.table: digest for digests in lists for digest in digests}
    results = []
    for row in recorded:
        now = found.get(row.table)
        holds = now is not None and (now.rows, now.digest) == (row.rows, row.digest)
        text = f"{now.rows:,} rows, {now.digest}" if now else "no rows"
        results.append(TableResult(row.table, row.rows, {"holds": holds, "found": text}))
    return results
