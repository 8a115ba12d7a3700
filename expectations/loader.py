"""From a table's name to its suite."""

from importlib import import_module

from great_expectations import ExpectationSuite
from great_expectations.expectations import Expectation, ExpectTableColumnsToMatchOrderedList

from expectations.actions import fail
from jobs.tables import TABLES


def suite(layer: str, table: str) -> ExpectationSuite:
    """Build the suite of a table: its columns are those of the catalog, and all that its module expects."""
    module = import_module(f"expectations.{layer}.{table}")
    return ExpectationSuite(
        name=f"{layer}.{table}",
        # Copies: a suite gives its expectations ids and callbacks of its own.
        expectations=[
            _catalog_columns(f"{layer}.{table}"),
            *(each.copy(deep=True) for each in module.EXPECTATIONS),
        ],
    )


def _catalog_columns(name: str) -> Expectation:
    return ExpectTableColumnsToMatchOrderedList(
        column_list=list(TABLES[name].column_names), meta=fail("the columns are not those of the catalog")
    )
