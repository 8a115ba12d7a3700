"""The stage itself: the registry first, since facts are checked against it; then the facts side by side."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib import import_module
from threading import Thread

from catalog.tables import DERIVED, REGISTRY, Source, Table, sources_of
from jobs.delta.lake import Lake
from jobs.outcome import TableResult
from jobs.silver import drift, settle
from jobs.silver.derive import Derived, derive, touched_by
from jobs.silver.settle import PARALLEL, Claim, Counts
from jobs.state import accounts

OPS = ("ops.quarantine", accounts.TABLE, "ops.digests", "ops.schema_drift")


def run(lake: Lake) -> list[TableResult]:
    """Settle every selected source and night that does not balance; one that does costs nothing.

    Rows of a result: what the run's night has in the silver table.
    """
    # Great Expectations takes seconds to import; meanwhile the server looks up what is due.
    Thread(target=import_module, args=["jobs.silver.rules"], daemon=True).start()
    silver = [f"silver.{source.silver}" for source in lake.settings.sources]
    derived = [table.full_name for table in DERIVED.values()]
    judged = [f"staging.judged_{source.name}" for source in lake.settings.sources]
    lake.ensure([*silver, *derived, *judged, *OPS])
    claims = settle.unsettled(lake)
    while claims:
        lost = _settle(lake, claims)
        claims = [settle.claim(lake, source, nights) for source, nights in lost.items()]
    return _results(lake)


def _settle(lake: Lake, claims: list[Claim]) -> dict[Source, list[date]]:
    """Settle the claims; give the nights that lost rows to them and have to be settled again."""
    registry = [claim for claim in claims if claim.source.name in REGISTRY and not claim.is_empty]
    with ThreadPoolExecutor(PARALLEL) as pool:
        at_once = [*registry, *[claim for claim in claims if "device_id" not in claim.source.fields]]
        merging = {claim: pool.submit(_merge, claim) for claim in dict.fromkeys(at_once)}
        drifting = pool.submit(drift.record, lake, claims)
        for claim in registry:
            merging[claim].result()
        touched = touched_by(claims)
        of_registry = {table: dates for table, dates in touched.items() if _is_of_registry(table)}
        derived = derive(lake, of_registry)
        # Rows that name a device are judged by the registry as it is now.
        merging |= {claim: pool.submit(_merge, claim) for claim in claims if claim not in merging}
        lost = {claim: merged.result()[0] for claim, merged in merging.items()}
        counts = {claim: merged.result()[1] for claim, merged in merging.items()}
        derived += derive(
            lake, {table: dates for table, dates in touched.items() if table not in of_registry}
        )
        recording = pool.submit(_record_digests, lake, counts, derived)
        settle.quarantine(lake, [claim for claim in claims if not claim.is_empty])
        found = settle.accounts_of(lake, counts)
        recording.result()
        drifting.result()
        # Last, since a balanced account is what tells the next run that nothing is left to do.
        accounts.reconcile(lake, found)
    return {claim.source: nights for claim, nights in lost.items() if nights}


def _is_of_registry(table: Table) -> bool:
    return all(source.name in REGISTRY for source in sources_of(table))


def _record_digests(lake: Lake, counts: dict[Claim, Counts], derived: list[Derived]) -> None:
    slices: dict[str, Iterable[date] | None] = {
        claim.name: claim.nights for claim in counts if not claim.is_empty
    }
    found: list[Counts | Derived] = [*counts.values(), *derived]
    digests = [digest for each in found for digest in each.digests]
    slices |= {made.table: made.slices for made in derived}
    lake.record_digests(slices, digests)


def _merge(claim: Claim) -> tuple[list[date], Counts]:
    """Bring a claim's rows into silver; give the nights that lost rows to it, and what became of its own."""
    if claim.is_empty:
        return [], settle.count(claim, claim.judged())
    claim.keep_judgement()
    lost = settle.displaced(claim)
    settle.merge(claim)
    return lost, settle.count(claim, claim.judged())


def _results(lake: Lake) -> list[TableResult]:
    of_night = accounts.of_nights(lake, [lake.settings.night])
    by_source = {row.source: row for row in of_night.collect()}
    return [
        TableResult(
            f"silver.{source.silver}",
            by_source[source.name].silver,
            {name: by_source[source.name][name] for name in (*accounts.OUTCOMES, "is_balanced")},
        )
        for source in lake.settings.sources
    ]
