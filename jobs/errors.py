"""The errors by which a stage fails, and their exit statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.outcome import TableResult


class JobError(Exception):
    """The job could not do its work; a retry may help (exit status 1)."""


class UsageError(Exception):
    """The arguments make no sense (exit status 2)."""


class ContractBroken(Exception):
    """The data did not pass its contract; a retry would not help (exit status 3)."""

    def __init__(self, message: str, tables: list[TableResult] | None = None) -> None:
        super().__init__(message)
        self.tables = tables or []
