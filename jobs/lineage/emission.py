"""Emits the events of a step. A backend that is away costs a warning, never the step."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from jobs.files import write_lines
from jobs.lineage import backend, events
from jobs.lineage.events import Attempt
from jobs.lineage.naming import Json, Naming
from jobs.outcome import Outcome, in_words
from jobs.session import workspace
from jobs.settings import BY_HAND, Settings
from jobs.state import run_results

log = logging.getLogger("jobs")


class Emission:
    """The events of one attempt at a step, from its beginning to its end.

    They are kept in the run's folder, `<step>.openlineage.jsonl`, one event a line, those of all attempts; of a step by
    hand those of the last. A backend gets them as well, if one is configured, and the beginning at once.
    """

    def __init__(self, settings: Settings, started: datetime) -> None:
        self._settings, self._started = settings, started
        self._is_wanted = not backend.is_disabled()
        self._backend: backend.Backend | None = None
        self._first: list[Json] = []
        self._attempt: Attempt | None = None
        try:
            if self._is_wanted:
                self._begin()
        except Exception as error:
            self._warn(in_words(error))

    def end(self, outcome: Outcome) -> None:
        """Emit what came of the step; log a warning if that fails."""
        if not self._attempt:
            return
        try:
            last = events.end(self._attempt, outcome, datetime.now(UTC))
            file = file_of(self._settings)
            write_lines(file, [*_kept(self._settings, file), *map(json.dumps, [*self._first, *last])])
            if self._backend:
                self._backend.send(*last)
                if problem := self._backend.close():
                    self._warn(f"the backend did not take the events ({problem}); they are in {file}")
        except Exception as error:
            self._warn(in_words(error))

    def _begin(self) -> None:
        settings = self._settings
        naming = Naming(settings.home, settings.catalog, settings.prefix, workspace())
        self._attempt = Attempt(settings, naming, self._started)
        self._first = [events.start(self._attempt)]
        if backend.is_configured():
            self._backend = backend.Backend()
            self._backend.send(*self._first)

    def _warn(self, problem: str) -> None:
        log.warning("lineage of %s: %s", self._settings.step, problem)


def file_of(settings: Settings) -> Path:
    """Return the file that keeps a step's events."""
    return run_results.beside(settings, ".openlineage.jsonl")


def _kept(settings: Settings, file: Path) -> list[str]:
    if settings.run_id == BY_HAND or not file.exists():
        return []
    return file.read_text(encoding="utf-8").splitlines()
