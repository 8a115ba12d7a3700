"""Which run of which night made a table's versions: jobs say it in the commits that they make."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from deltalake import DeltaTable

from serving.problems import Problem

# These leave rows unchanged or bring older ones back: no night's result (`history-of` leaves them out, too).
MAINTENANCE = ("maintain", "restore")
# Maintenance makes few commits of a table between two nights.
LOOKED_BACK = 50
NAMED = 5


@dataclass(frozen=True)
class Commit:
    """One version of a table, and the night whose run made it, if it was one."""

    version: int
    committed_at: datetime | None  # None where the log no longer says it
    night: str | None = None


def commits(folder: Path, down_to: int = 0) -> Iterator[Commit]:
    """Yield the versions of the table in a folder, newest first, as far back as asked for and its log reaches."""
    # At its newest version: opened at another one, deltalake 1.6.6 numbers the same commits from there.
    table = DeltaTable(folder)
    for entry in table.history(max(table.version() - down_to + 1, 1)):
        moment = datetime.fromtimestamp(entry["timestamp"] / 1000, UTC)
        yield Commit(entry["version"], moment, night_of(entry.get("userMetadata")))


def of_version(commits: Iterable[Commit], version: int) -> Commit:
    """Return a version with the night of the last run that wrote it or one before it; `commits` are newest first.

    Without a moment or a night where the commits do not reach so far.
    """
    found = [each for each in commits if each.version <= version]
    nights = (each.night for each in found if each.night)
    return Commit(version, found[0].committed_at if found else None, next(nights, None))


def of_night(commits: Iterable[Commit], name: str, night: date) -> int:
    """Return the version that the last run of a night left. Raises Problem with the nights that there are."""
    known: list[str] = []
    for each in commits:
        if each.night == str(night):
            return each.version
        if each.night:
            known.append(each.night)
    last = sorted(set(known))[-NAMED:]
    said = (
        f"known are {'…, ' if len(set(known)) > NAMED else ''}{', '.join(last)}" if last else "none is known"
    )
    detail = f"no run of night {night} is known to have written {name}; {said}; or give a version"
    raise Problem(404, "No such night", detail)


def night_of(metadata: str | None) -> str | None:
    """Return the night whose run made a commit with these metadata, None where it was another's or maintenance."""
    try:
        found = json.loads(metadata or "")
        return None if found["stage"] in MAINTENANCE else str(found["night"])
    except (ValueError, TypeError, KeyError):
        return None
