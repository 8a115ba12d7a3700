"""The stage itself: the registry first, since facts are checked against it; then the facts side by side."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from pyspark.sql import SparkSession

from jobs import store
from jobs.results import TableResult
from jobs.settings import Settings
from jobs.silver import settle
from jobs.silver.history import build_devices, build_devices_history
from jobs.silver.settle import FATES, Account, Claim
from jobs.tables import Source

PARALLEL = 4
REGISTRY = ("devices", "device_changes")


def run(spark: SparkSession, settings: Settings) -> list[TableResult]:
    """Settle every selected source and night that does not balance; one that does costs nothing.

    Rows of a result: what the run's night has in the silver table.
    """
    silver = [f"silver.{source.silver}" for source in settings.sources]
    derived = ["silver.devices_history", "silver.devices"]
    judged = [f"staging.judged_{source.name}" for source in settings.sources]
    store.ensure(
        spark, settings, [*silver, *derived, *judged, "ops.quarantine", "ops.row_accounts", "ops.digests"]
    )
    nights = settle.unsettled(spark, settings)
    while nights:
        nights = _settle(spark, settings, nights)
    return _results(spark, settings)


def _settle(
    spark: SparkSession, settings: Settings, nights: dict[Source, list[date]]
) -> dict[Source, list[date]]:
    """Settle the given nights; give those that lost rows to them and have to be settled again."""
    claims = settle.claim(spark, settings, nights)
    filled = [claim for claim in claims if not claim.is_empty]
    registry = [claim for claim in filled if claim.source.name in REGISTRY]
    facts = [claim for claim in filled if claim.source.name not in REGISTRY]
    with ThreadPoolExecutor(PARALLEL) as pool:
        again = list(pool.map(_merge, registry))
        if registry:
            _derive_devices(spark, settings)
        again += pool.map(_merge, facts)
    if filled:
        settle.quarantine(settings, filled)
    accounts = settle.count_fates(spark, settings, claims)
    _record_digests(spark, settings, accounts)
    # Last, since a balanced account is what tells the next run that nothing is left to do.
    settle.record(spark, settings, accounts)
    return {claim.source: lost for claim, lost in zip([*registry, *facts], again, strict=True) if lost}


def _merge(claim: Claim) -> list[date]:
    claim.keep_judgement()
    lost = settle.displaced(claim)
    settle.merge(claim)
    return lost


def _derive_devices(spark: SparkSession, settings: Settings) -> None:
    registry, changes = (
        store.read(spark, settings, f"silver.device_{name}") for name in ("registry", "changes")
    )
    store.overwrite(settings, "silver.devices_history", build_devices_history(registry, changes))
    history = store.read(spark, settings, "silver.devices_history")
    store.overwrite(settings, "silver.devices", build_devices(history))


def _record_digests(spark: SparkSession, settings: Settings, accounts: list[Account]) -> None:
    slices: dict[str, Iterable[date] | None] = {
        f"silver.{source.silver}": nights
        for source in settings.sources
        if (
            nights := {
                account.night for account in accounts if account.source == source.name and account.bronze
            }
        )
    }
    if any(account.source in REGISTRY and account.bronze for account in accounts):
        slices |= {"silver.devices_history": None, "silver.devices": None}
    store.record_digests(spark, settings, slices)


def _results(spark: SparkSession, settings: Settings) -> list[TableResult]:
    accounts = store.read(spark, settings, "ops.row_accounts").where(store.dates("night", [settings.night]))
    by_source = {row.source: row for row in accounts.collect()}
    return [
        TableResult(
            f"silver.{source.silver}",
            by_source[source.name].silver,
            {name: by_source[source.name][name] for name in (*FATES, "is_balanced")},
        )
        for source in settings.sources
    ]
