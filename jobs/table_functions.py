"""The functions that compute tables: `<verb>_<table>` in `jobs/<layer>/tables/<table>.py`, found by their names.

What they return is held to the catalog: written as it says, a number could lose digits without a word.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from pyspark.sql import DataFrame

from catalog.columns import cuts
from catalog.tables import CatalogError, Table

TableFunction = Callable[..., DataFrame]


def find_table_function(verb: str, table: Table) -> TableFunction | None:
    """Return the function `<verb>_<table>`; None when the table's module lacks it, or there is no such module."""
    module = f"jobs.{table.layer}.tables.{table.name}"
    if find_spec(module) is None:
        return None
    found: TableFunction | None = getattr(import_module(module), f"{verb}_{table.name}", None)
    return found


def table_function(verb: str, table: Table) -> TableFunction:
    """Return the function `<verb>_<table>`. Raises CatalogError with the module and name it must have."""
    if found := find_table_function(verb, table):
        return found
    raise CatalogError(
        f"there is no function {verb}_{table.name} in jobs/{table.layer}/tables/{table.name}.py, by which "
        f"{table.full_name} is computed"
    )


def uncut(rows: DataFrame, table: Table) -> DataFrame:
    """Return the rows of a table. Raises CatalogError for a column that would be written with less than it has."""
    for name, returned in rows.dtypes:
        kind = table.types.get(name)
        if kind and cuts(kind, returned):
            raise CatalogError(
                f"{table.full_name}: {name} is {kind}, which would cut the {returned.upper()} that its function in "
                f"jobs/{table.layer}/tables/{table.name}.py returns; give the column that type, or cast it there"
            )
    return rows
