"""The stage itself: the registry first, since facts are checked against it; then the facts side by side."""

from collections.abc import Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import date

from pyspark.sql import SparkSession

from jobs import store
from jobs.results import TableResult
from jobs.settings import Settings
from jobs.silver import settle
from jobs.silver.history import build_devices, build_devices_history
from jobs.silver.settle import FATES, PARALLEL, Claim
from jobs.tables import Source

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
    claims = settle.unsettled(spark, settings)
    while claims:
        lost = _settle(spark, settings, claims)
        claims = [settle.claim(spark, settings, source, nights) for source, nights in lost.items()]
    return _results(spark, settings)


def _settle(spark: SparkSession, settings: Settings, claims: list[Claim]) -> dict[Source, list[date]]:
    """Settle the claims; give the nights that lost rows to them and have to be settled again."""
    filled = [claim for claim in claims if not claim.is_empty]
    registry = [claim for claim in filled if claim.source.name in REGISTRY]
    slices: dict[str, Iterable[date] | None] = {claim.name: claim.nights for claim in filled}
    if registry:
        slices |= {"silver.devices_history": None, "silver.devices": None}
    with ThreadPoolExecutor(PARALLEL) as pool:
        lost = _merge_all(spark, settings, pool, registry, [each for each in filled if each not in registry])
        # Both read silver as it is now, and neither reads what the other writes.
        digesting = pool.submit(_digest, spark, settings, slices)
        if filled:
            settle.quarantine(settings, filled)
        fates = settle.count_fates(spark, settings, claims)
        # Last, since a balanced account is what tells the next run that nothing is left to do.
        settle.record(spark, settings, settle.accounts(claims, fates, digesting.result()))
    return {source: nights for source, nights in lost.items() if nights}


def _merge_all(
    spark: SparkSession, settings: Settings, pool: Executor, registry: list[Claim], facts: list[Claim]
) -> dict[Source, list[date]]:
    """Merge every claim, those of facts that name a device after the registry; give the nights that lose rows."""
    at_once = [*registry, *[claim for claim in facts if "device_id" not in claim.source.fields]]
    merging = {claim.source: pool.submit(_merge, claim) for claim in at_once}
    if [merging[claim.source].result() for claim in registry]:
        _derive_devices(spark, settings)
    merging |= {claim.source: pool.submit(_merge, claim) for claim in facts if claim not in at_once}
    return {source: merged.result() for source, merged in merging.items()}


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


def _digest(
    spark: SparkSession, settings: Settings, slices: dict[str, Iterable[date] | None]
) -> list[store.Digest]:
    digests = store.digests(spark, settings, slices)
    store.record_digests(spark, settings, slices, digests)
    return digests


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
