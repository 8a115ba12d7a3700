"""How far this step has come: the only module of the jobs that writes or removes `catalog.progress`.

Whoever follows a night on this machine reads it. Nothing is decided by it, so a disk that refuses it stops no step, and
on Databricks, where nobody could read it in time, there is none.
"""

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock

from catalog import progress
from jobs.files import write_atomically
from jobs.session import on_databricks
from jobs.settings import Settings


class StepProgress:
    """Counts the tables of a step as its threads work through them, and keeps the count in the step's file.

    A table is done when it was `done` as often as it was expected: a step may work on one several times, such as on a
    delivery of each night.
    """

    def __init__(self, settings: Settings, tables: Iterable[str] = ()) -> None:
        self._file = progress.progress_file(settings.docs, settings.run_id, settings.step)
        self._left: Counter[str] = Counter()
        self._rows: int | None = None
        self._lock = Lock()
        self.expect(tables)

    def expect(self, tables: Iterable[str]) -> None:
        """Add what the step is going to work on, once for each time that it is named."""
        with self._lock:
            self._left.update([*tables])  # of a mapping, a counter would take the values
            self._write()

    def done(self, table: str, rows: int | None = None) -> None:
        """Count a table that was expected, and the rows that were worked through, where the step knows them."""
        with self._lock:
            self._left[table] -= 1
            if rows is not None:
                self._rows = (self._rows or 0) + rows
            self._write()

    def _write(self) -> None:
        if on_databricks():
            return
        finished = sum(left <= 0 for left in self._left.values())
        with suppress(OSError):
            now = progress.Progress(finished, len(self._left), self._rows)
            write_atomically(self._file, now.to_json())


def clear(settings: Settings) -> None:
    """Remove the progress of a step that has ended, or that begins again."""
    with suppress(OSError):
        progress.progress_file(settings.docs, settings.run_id, settings.step).unlink(missing_ok=True)
