"""Stage `silver`: every pending batch is reconciled, in four phases: registry, facts, derived tables, accounts."""

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from threading import Thread

from catalog.tables import DERIVED, LOOKUPS, REGISTRY, Source, sources_of
from jobs import compiling
from jobs.delta.lake import Lake
from jobs.delta.staging import Staging
from jobs.errors import ContractBroken
from jobs.outcome import TableResult
from jobs.silver import derived, drift, late_devices, pending
from jobs.silver.merging import Dates, bring_in
from jobs.silver.pending import PendingBatch
from jobs.silver.reconciliation import accounts_of, quarantine
from jobs.state import accounts, begun_batches, refused_bronze
from jobs.state.accounts import Account, Nights
from jobs.state.progress import StepProgress

OPS = ("ops.quarantine", accounts.TABLE, "ops.digests", "ops.schema_drift")


def run(lake: Lake) -> list[TableResult]:
    """Reconcile every pending batch of the selected sources; a reconciled night costs nothing.

    Rows of a result: what the run's night has in the silver table. Raises ContractBroken when bronze of one did not
    pass its check, in whichever run.
    """
    # Great Expectations takes seconds to import; meanwhile the server looks up what is pending.
    Thread(target=import_module, args=["jobs.silver.rules"], daemon=True).start()
    silver = [f"silver.{source.silver}" for source in lake.settings.sources]
    lake.ensure([*silver, *(table.full_name for table in DERIVED.values()), *OPS])
    batches, staging = pending.find(lake), Staging(lake)
    _stop_at_refused(lake, batches)
    found: list[Account] = []
    progress = StepProgress(lake.settings)
    written: set[str] = set()
    try:
        while batches:
            with compiling.interpreted(lake, are_few=pending.pay_to_interpret(batches)):
                reconciled = reconcile(lake, staging, batches, progress)
            found += reconciled.accounts
            written |= reconciled.written
            batches = pending.of_nights(lake, reconciled.superseded)
    finally:
        staging.remove()
    return _results(lake, found, written)


def _stop_at_refused(lake: Lake, batches: Iterable[PendingBatch]) -> None:
    refused = refused_bronze.read(lake.settings)
    if named := [batch.source.name for batch in batches if batch.rows and batch.source.name in refused]:
        nights = ", ".join(sorted({refused[name] for name in named}))
        raise ContractBroken(
            f"bronze of {', '.join(named)} did not pass its check in the run of {nights}; mend it, and run that "
            "night's check_bronze again"
        )


@dataclass(frozen=True)
class Reconciled:
    """What came of some batches: nights, by source, that are pending because of them, and the others' accounts."""

    superseded: Mapping[Source, Dates]
    accounts: list[Account]
    written: set[str]  # tables, `layer.name`


def reconcile(
    lake: Lake, staging: Staging, batches: list[PendingBatch], progress: StepProgress
) -> Reconciled:
    """Take batches from pending to reconciled."""
    arrived = [batch for batch in batches if not batch.is_empty]
    # From here to their accounts, nobody knows what silver has of these nights.
    begun_batches.begin(lake.settings, {batch.source: dict.fromkeys(batch.nights, ()) for batch in arrived})
    with ThreadPoolExecutor(1) as beside:
        drifting = beside.submit(drift.record, lake, arrived)
        touched = derived.touched_by(arrived)
        tables = [*(batch.silver for batch in arrived), *touched]
        progress.expect(table.full_name for table in tables)
        # The registry first: facts look devices up in what is made of it.
        registry = [batch for batch in arrived if batch.source.name in REGISTRY]
        superseded = bring_in(lake, staging, registry, progress)
        lookups = {table: touched[table] for table in touched if table.name in LOOKUPS}
        slices = derived.write(lake, lookups, progress)
        late = late_devices.nights_of(lake, arrived) if registry else {}
        begun_batches.begin(lake.settings, late)
        accounts.reopen(lake, late)
        _add(superseded, late)
        facts = [batch for batch in arrived if batch not in registry]
        _add(superseded, bring_in(lake, staging, facts, progress))
        others = {table: touched[table] for table in touched if table not in lookups}
        slices |= derived.write(lake, others, progress)
        quarantine(lake, staging, arrived)
        slices |= {batch.silver.full_name: batch.nights for batch in arrived} | _restated(lake, arrived)
        reconciled = _account(lake, staging, batches, slices, superseded)
        drifting.result()
    return Reconciled(superseded, reconciled, {*slices})


def _add(superseded: dict[Source, Dates], more: Mapping[Source, Dates]) -> None:
    for source, nights in more.items():
        for night, days in nights.items():
            superseded.setdefault(source, {}).setdefault(night, set()).update(days)


def _restated(lake: Lake, batches: list[PendingBatch]) -> dict[str, list[date]]:
    """Of silver tables whose rows are corrected, the batches' nights and those that are to be published again."""
    corrected = [batch for batch in batches if batch.source.is_corrected]
    due = accounts.unpublished(lake) if corrected else {}
    return {
        batch.silver.full_name: sorted({*batch.nights, *due.get(batch.source.name, ())})
        for batch in corrected
    }


def _account(
    lake: Lake,
    staging: Staging,
    batches: list[PendingBatch],
    slices: dict[str, Iterable[date] | None],
    superseded: Mapping[Source, Nights],
) -> list[Account]:
    """Record the digests of what was written, and the accounts of the batches' nights that are not superseded."""
    digests = lake.digests(slices)
    lake.record_digests(slices, digests)
    found = accounts_of(lake, batches, lambda batch: staging.read(batch.validated), digests)
    pending_again = {(source.name, night) for source, nights in superseded.items() for night in nights}
    # Last, since by a balanced account the next run knows that nothing is left to do.
    reconciled = [each for each in found if (each.source, each.night) not in pending_again]
    accounts.reconcile(lake, reconciled)
    begun_batches.end(lake.settings, [(each.source, each.night) for each in reconciled])
    return reconciled


def _results(lake: Lake, reconciled: list[Account], written: Collection[str]) -> list[TableResult]:
    """What the run's night has of each source, by its account: as it was just reconciled, else by the table.

    The detail has the account, and what this run has `reconciled` of the source, over all nights.
    """
    night = lake.settings.night
    by_source = {account.source: account for account in reconciled if account.night == night}
    if not by_source.keys() >= {source.name for source in lake.settings.sources}:
        kept = map(Account.of, accounts.of_nights(lake, [night]).collect())
        by_source = {account.source: account for account in kept} | by_source
    return [
        TableResult(
            f"silver.{source.silver}",
            by_source[source.name].silver,
            {name: getattr(by_source[source.name], name) for name in (*accounts.OUTCOMES, "is_balanced")}
            | {"reconciled": _reconciled(source, reconciled, written)},
        )
        for source in lake.settings.sources
    ]


def _reconciled(source: Source, accounts_: Iterable[Account], written: Collection[str]) -> dict[str, object]:
    """What a run has reconciled of a source: nights, their rows by outcome, and derived tables that it made anew."""
    # A night that another one superseded went round again, and its last account counts.
    last = {each.night: each for each in accounts_ if each.source == source.name}
    derived = [table.full_name for table in DERIVED.values() if source in sources_of(table)]
    return {
        "nights": len(last),
        "silver": sum(each.silver for each in last.values()),
        "quarantined": sum(each.quarantined for each in last.values()),
        "derived": [name for name in derived if name in written],
    }
