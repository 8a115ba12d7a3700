"""The stage itself: the registry first, since facts are checked against it; then the facts side by side."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib import import_module
from threading import Thread

from pyspark.sql import SparkSession

from jobs import store
from jobs.results import TableResult
from jobs.settings import Settings
from jobs.silver import settle
from jobs.silver.history import build_devices, build_devices_history
from jobs.silver.settle import FATES, PARALLEL, Claim, Counts
from jobs.store import Digest
from jobs.tables import Source

REGISTRY = ("devices", "device_changes")


def run(spark: SparkSession, settings: Settings) -> list[TableResult]:
    """Settle every selected source and night that does not balance; one that does costs nothing.

    Rows of a result: what the run's night has in the silver table.
    """
    # Great Expectations takes seconds to import; meanwhile the server looks up what is due.
    Thread(target=import_module, args=["jobs.silver.rules"], daemon=True).start()
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
    registry = [claim for claim in claims if claim.source.name in REGISTRY and not claim.is_empty]
    slices: dict[str, Iterable[date] | None] = {
        claim.name: claim.nights for claim in claims if not claim.is_empty
    }
    with ThreadPoolExecutor(PARALLEL) as pool:
        at_once = [*registry, *[claim for claim in claims if "device_id" not in claim.source.fields]]
        merging = {claim: pool.submit(_merge, claim) for claim in dict.fromkeys(at_once)}
        derived: list[Digest] = []
        if [merging[claim].result() for claim in registry]:
            derived = _derive_devices(spark, settings)
            slices |= {"silver.devices_history": None, "silver.devices": None}
        # Rows that name a device are judged by the registry as it is now.
        merging |= {claim: pool.submit(_merge, claim) for claim in claims if claim not in merging}
        lost = {claim: merged.result()[0] for claim, merged in merging.items()}
        counts = {claim: merged.result()[1] for claim, merged in merging.items()}
        digests = [*derived, *[digest for found in counts.values() for digest in found.digests]]
        recording = pool.submit(store.record_digests, spark, settings, slices, digests)
        settle.quarantine(settings, [claim for claim in claims if not claim.is_empty])
        accounts = settle.accounts(spark, settings, counts)
        recording.result()
        # Last, since a balanced account is what tells the next run that nothing is left to do.
        settle.record(spark, settings, accounts)
    return {claim.source: nights for claim, nights in lost.items() if nights}


def _merge(claim: Claim) -> tuple[list[date], Counts]:
    """Bring a claim's rows into silver; give the nights that lost rows to it, and what became of its own."""
    if claim.is_empty:
        return [], settle.count(claim, claim.judged())
    claim.keep_judgement()
    lost = settle.displaced(claim)
    settle.merge(claim)
    return lost, settle.count(claim, claim.judged())


def _derive_devices(spark: SparkSession, settings: Settings) -> list[Digest]:
    registry, changes = (
        store.read(spark, settings, f"silver.device_{name}") for name in ("registry", "changes")
    )
    store.overwrite(settings, "silver.devices_history", build_devices_history(registry, changes))
    history = store.read(spark, settings, "silver.devices_history")
    store.overwrite(settings, "silver.devices", build_devices(history))
    return [
        digest
        for name in ("silver.devices_history", "silver.devices")
        for digest in store.digests(spark, settings, name)
    ]


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
