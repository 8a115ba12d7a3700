"""Stage `silver`: every pending batch is reconciled, in four phases: registry, facts, derived tables, accounts."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib import import_module
from threading import Thread

from catalog.tables import DERIVED, LOOKUPS, REGISTRY, Source
from jobs.delta.lake import Lake
from jobs.outcome import TableResult
from jobs.silver import derived, drift, pending
from jobs.silver.merging import bring_in
from jobs.silver.pending import PendingBatch
from jobs.silver.reconciliation import accounts_of, quarantine
from jobs.state import accounts

OPS = ("ops.quarantine", accounts.TABLE, "ops.digests", "ops.schema_drift")


def run(lake: Lake) -> list[TableResult]:
    """Reconcile every pending batch of the selected sources; a reconciled night costs nothing.

    Rows of a result: what the run's night has in the silver table.
    """
    # Great Expectations takes seconds to import; meanwhile the server looks up what is pending.
    Thread(target=import_module, args=["jobs.silver.rules"], daemon=True).start()
    silver = [f"silver.{source.silver}" for source in lake.settings.sources]
    staging = [f"staging.judged_{source.name}" for source in lake.settings.sources]
    lake.ensure([*silver, *(table.full_name for table in DERIVED.values()), *staging, *OPS])
    batches = pending.find(lake)
    while batches:
        superseded = reconcile(lake, batches)
        batches = pending.of_nights(lake, superseded)
    return _results(lake)


def reconcile(lake: Lake, batches: list[PendingBatch]) -> dict[Source, list[date]]:
    """Take batches from pending to reconciled; give the nights, by source, that lost rows to them and are pending."""
    arrived = [batch for batch in batches if not batch.is_empty]
    with ThreadPoolExecutor(1) as beside:
        drifting = beside.submit(drift.record, lake, arrived)
        touched = derived.touched_by(arrived)
        # The registry first: facts look devices up in what is made of it.
        registry = [batch for batch in arrived if batch.source.name in REGISTRY]
        superseded = bring_in(lake, registry)
        slices = derived.write(lake, {table: touched[table] for table in touched if table.name in LOOKUPS})
        superseded |= bring_in(lake, [batch for batch in arrived if batch not in registry])
        slices |= derived.write(
            lake, {table: touched[table] for table in touched if table.name not in LOOKUPS}
        )
        quarantine(lake, arrived)
        slices |= {batch.silver.full_name: batch.nights for batch in arrived}
        _account(lake, batches, slices)
        drifting.result()
    return superseded


def _account(lake: Lake, batches: list[PendingBatch], slices: dict[str, Iterable[date] | None]) -> None:
    """Record the digests of what was written, and the batches' accounts."""
    digests = lake.digests(slices)
    lake.record_digests(slices, digests)
    found = accounts_of(lake, {batch: lake.read(batch.validated) for batch in batches}, digests)
    # Last, since by a balanced account the next run knows that nothing is left to do.
    accounts.reconcile(lake, found)


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
