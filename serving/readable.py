"""Which tables may be read: gold, and what the platform knows of itself."""

from __future__ import annotations

from catalog.tables import TABLES, Table
from serving.problems import Problem

LAYERS = ("gold", "ops")
# Read for what gold has ids of, by the fleet page: what sites are called. Nobody else may read it.
SITE_NAMES = "silver.locations"


def readable() -> dict[str, Table]:
    """Return every table that may be read, by its full name."""
    return {name: table for name, table in TABLES.items() if table.layer in LAYERS}


def shown() -> dict[str, Table]:
    """Return every table that the fleet page reads."""
    return {name: table for name, table in TABLES.items() if table.layer in LAYERS or name == SITE_NAMES}


def readable_table(name: str) -> Table:
    """Return a table that may be read. Raises Problem for any other name."""
    known = readable()
    if name not in known:
        raise Problem(404, "No such table", f"there is no table {name[:80]!r}; there are {', '.join(known)}")
    return known[name]
