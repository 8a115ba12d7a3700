"""From a table's name to the function that computes it: `<verb>_<table>` in `jobs/<layer>/tables/<table>.py`."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from pyspark.sql import DataFrame

from catalog.tables import Table

Transformation = Callable[..., DataFrame]


def find(verb: str, table: Table) -> Transformation | None:
    """The table's function for that verb; None when its file has none, or there is no file."""
    module = f"jobs.{table.layer}.tables.{table.name}"
    if find_spec(module) is None:
        return None
    found: Transformation | None = getattr(import_module(module), f"{verb}_{table.name}", None)
    return found


def get(verb: str, table: Table) -> Transformation:
    """The table's function for that verb.

    Raises LookupError that says where it was looked for.
    """
    if found := find(verb, table):
        return found
    raise LookupError(
        f"no function {verb}_{table.name} in jobs/{table.layer}/tables/{table.name}.py, which says how "
        f"{table.full_name} is computed"
    )
