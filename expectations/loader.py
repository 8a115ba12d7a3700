"""Builds the suite of a table."""

from importlib import import_module
from importlib.util import find_spec

from great_expectations import ExpectationSuite
from great_expectations.expectations import Expectation, ExpectTableColumnsToMatchOrderedList

from catalog.tables import SOURCES, STREAMS, TABLES, CatalogError
from expectations.actions import fail
from expectations.bronze_feed import feed
from expectations.bronze_stream import stream
from expectations.source_rows import of_source


def suite(layer: str, table: str) -> ExpectationSuite:
    """Return the suite of a table: the columns of the catalog, and the expectations of its module.

    A bronze table without a module expects its key, a stream's table all of its fields. Of a silver table with rows of
    a source, what holds of all sources is expected as well. Raises CatalogError when there is no suite.
    """
    return ExpectationSuite(
        name=f"{layer}.{table}",
        # Copies: a suite gives its expectations ids and callbacks of its own.
        expectations=[
            _catalog_columns(f"{layer}.{table}"),
            *(each.copy(deep=True) for each in _expectations(layer, table)),
        ],
    )


def _expectations(layer: str, table: str) -> list[Expectation]:
    name = f"expectations.{layer}.{table}"
    if layer == "bronze" and find_spec(name) is None:
        if table in STREAMS:
            return stream(list(STREAMS[table].fields), STREAMS[table].key)
        return feed(*SOURCES[table].key)
    module = import_module(name) if find_spec(name) else None
    expectations: list[Expectation] | None = getattr(module, "EXPECTATIONS", None)
    if expectations is None:
        raise CatalogError(
            f"there is no list EXPECTATIONS in expectations/{layer}/{table}.py, which says what must hold for "
            f"{layer}.{table}"
        )
    sources = [source for source in SOURCES.values() if (layer, table) == ("silver", source.silver)]
    return [*expectations, *(rule for source in sources for rule in of_source(source, expectations))]


def _catalog_columns(name: str) -> Expectation:
    return ExpectTableColumnsToMatchOrderedList(
        column_list=list(TABLES[name].column_names), meta=fail("the columns are not those of the catalog")
    )
