"""What gold and the check of silver have to know of the accounts, as they stand."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Row

from jobs.delta.lake import Lake
from jobs.state import accounts, begun_batches
from jobs.state.accounts import LOST, Nights
from jobs.state.begun_batches import Begun


@dataclass(frozen=True)
class Survey:
    """The accounts of some sources; `unpublished` and `unchecked` have no night in common."""

    unpublished: Mapping[str, Nights]
    unchecked: Mapping[str, Nights]  # begun, or not published and reconciled since the run's check
    nights: frozenset[date]  # all that have accounts
    published: frozenset[str]  # sources of which gold has some
    is_only_new: bool  # whether what is not published only adds to what is: each is the first account of a newest night
    refused: frozenset[tuple[str, date]]  # sources and nights whose silver did not pass its check
    until: str  # when the last of the accounts was written or reopened (UTC); empty if there are none


def of(
    lake: Lake,
    sources: Collection[str],
    checked: Mapping[str, str] | None = None,
    begun: Begun | None = None,
) -> Survey:
    """Look at the accounts of some sources, in one query.

    `checked` is source -> the moment, as in `until`, up to which the run's check has seen its accounts: later ones
    are unchecked, and so are all of a source that it does not name. Without it all are checked. Nights that are
    `begun` are unchecked in any case.
    """
    own = {source: nights for source, nights in (begun or {}).items() if source in sources}
    rows = [row for row in accounts.all_of(lake) if row.source in sources]
    due = [row for row in rows if not row.is_published]
    values = [row.asDict() for row in due]  # a lake of an earlier version lacks columns
    is_only_new = bool(due) and all(each.get("is_newest") and not each.get(LOST) for each in values)
    refused = {(each["source"], each["night"]) for each in values if each.get("is_refused")}
    unchecked = accounts.by_source(row for row in due if not _is_checked(row, checked, own))
    return Survey(
        unpublished=accounts.by_source(row for row in due if _is_checked(row, checked, own)),
        unchecked=begun_batches.add(begun_batches.add({}, unchecked), own),
        nights=frozenset(row.night for row in rows),
        published=frozenset(row.source for row in rows if row.is_published),
        is_only_new=is_only_new,
        refused=frozenset(refused),
        until=max((row.settled_at for row in rows), default=""),
    )


def _is_checked(row: Row, checked: Mapping[str, str] | None, begun: Begun) -> bool:
    if row.night in begun.get(row.source, ()):
        return False
    return checked is None or row.settled_at <= checked.get(row.source, "")
