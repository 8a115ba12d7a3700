"""Pages of runs long past: which may go, and their going."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jobs.settings import Settings


@dataclass(frozen=True)
class _Note:
    run_id: str
    night: str
    stage: str
    ended_at: datetime


def remove_old_pages(settings: Settings, before: datetime) -> list[str]:
    """Remove pages and results of the runs that ended before a moment; give their ids.

    A night's page stays, and with it all pages of the run that it is about. The list of validations loses the
    removed ones when the next check writes it anew. Safe to repeat.
    """
    notes = list(_notes(settings))
    ended = {run: max(n.ended_at for n in notes if n.run_id == run) for run in {n.run_id for n in notes}}
    old = {run for run, moment in ended.items() if moment < before} - _of_nights(notes)
    for run in sorted(old):
        for folder in _folders(settings, run):
            shutil.rmtree(folder, ignore_errors=True)
    return sorted(old)


def _of_nights(notes: list[_Note]) -> set[str]:
    """The runs that wrote the nights' pages: of each night the last that reported."""
    reports = sorted((note for note in notes if note.stage == "report"), key=lambda note: note.ended_at)
    return set({note.night: note.run_id for note in reports}.values())


def _notes(settings: Settings) -> Iterator[_Note]:
    for file in (settings.docs / "runs").glob("*/*.json"):
        note = json.loads(file.read_text(encoding="utf-8"))
        yield _Note(file.parent.name, note["night"], note["stage"], datetime.fromisoformat(note["ended_at"]))


def _folders(settings: Settings, run_id: str) -> Iterator[Path]:
    """What is kept of a run: results by layer and table first, its notes last, which say that it is there."""
    results = settings.home / "great_expectations/uncommitted/validations"
    for root in (results, settings.docs / "expectations/validations"):
        yield from root.glob(f"*/*/{run_id}")
    yield settings.docs / "runs" / run_id
