"""Outcome of a stage, per table and as a whole."""

import re
from dataclasses import dataclass, field
from typing import Any

from catalog.reading import CatalogError
from catalog.run_result import DONE, FAILED, REFUSED
from jobs.errors import ContractBroken, JobError, UsageError


@dataclass(frozen=True)
class Checked:
    """One expectation of a table's suite, and whether it holds."""

    expectation: str  # its type
    columns: tuple[str, ...]  # none for one about the table
    action: str  # quarantine, flag or fail
    reason: str
    holds: bool


@dataclass(frozen=True)
class TableResult:
    """Outcome of a stage for one table. `rows` are those it landed, wrote, published or checked."""

    table: str
    rows: int
    detail: dict[str, object] = field(default_factory=dict)
    pages: tuple[str, ...] = ()  # written about it, relative to the data docs
    checked: tuple[Checked, ...] = ()  # of a check; not in the run result, which has what does not hold


@dataclass
class Outcome:
    """Outcome of a stage."""

    tables: list[TableResult] = field(default_factory=list)
    status: str = DONE
    message: str = ""
    code: int = 0

    @classmethod
    def of(cls, error: Exception) -> "Outcome":
        """Return the outcome of a stage that raised `error`."""
        if isinstance(error, ContractBroken):
            return cls(error.tables, REFUSED, str(error), 3)
        is_ours = isinstance(error, (UsageError, CatalogError)) or bool(_refusal(error))
        return cls([], FAILED, in_words(error), 2 if is_ours else 1)


def in_words(error: Exception) -> str:
    """Return an error and its cause in one line."""
    if isinstance(error, (JobError, UsageError, CatalogError)):
        return str(error)
    if refusal := _refusal(error):
        return refusal
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    said = (str(error).splitlines() or [""])[0][:500]
    return f"{type(error).__name__}: {said}{_behind(error, said)}"


def _refusal(error: Any) -> str:
    """Return why a query of the jobs has refused by itself to go on, which no retry changes; empty for other errors."""
    if not hasattr(error, "getCondition") or error.getCondition() != "USER_RAISED_EXCEPTION":
        return ""
    return str((error.getMessageParameters() or {}).get("errorMessage", ""))


def _behind(error: Exception, said: str) -> str:
    """Return the cause of a Spark error, whose own text may only say that a query failed."""
    stack = error.getStackTrace() if hasattr(error, "getStackTrace") else ""
    causes = re.findall(r"^Caused by: (?:[\w$]+\.)*(.+)", stack or "", re.MULTILINE)
    return f" (caused by {causes[-1][:300]})" if causes and causes[-1][:100] not in said else ""
