"""Conditions as text, for the statements that only SQL has: OPTIMIZE, UPDATE and DELETE."""

from collections.abc import Iterable
from datetime import date


def strings(column: str, values: Iterable[str]) -> str:
    """Return a SQL condition: the STRING column is one of the values, which have no quotes; false without values."""
    listed = ", ".join(f"'{value}'" for value in sorted(set(values)))
    return f"`{column}` IN ({listed})" if listed else "false"


def dates(column: str, values: Iterable[date]) -> str:
    """Return a SQL condition: the DATE column is one of the values; false without values."""
    listed = ", ".join(f"DATE'{value}'" for value in sorted(set(values)))
    return f"`{column}` IN ({listed})" if listed else "false"
