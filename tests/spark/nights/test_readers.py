"""What people open the lake's tables with besides Spark, each with its own way of reading Delta's files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import duckdb
import polars
import pytest
from deltalake import DeltaTable

from catalog.tables import TABLES
from jobs.delta.lake import Lake
from jobs.delta.schema import VARIANTS
from tests.support.copied import folder_of
from tests.support.nights import Nights

# The Parquet reader of Polars stops at a type that it does not know, even when other columns are asked for.
NOT_FOR_POLARS = {name for name, table in TABLES.items() if " VARIANT" in table.columns}


def _duckdb(folder: str) -> int:
    files = DeltaTable(folder).file_uris()
    if not files:
        return 0
    # To count the values of a column is to read them.
    counted = duckdb.sql(f"SELECT count(*), count(COLUMNS(*)) FROM read_parquet({files!r})")
    return int(counted.fetchall()[0][0])


READERS: Mapping[str, Callable[[str], int]] = {
    "delta-rs": lambda folder: DeltaTable(folder).to_pyarrow_table().num_rows,
    "DuckDB": _duckdb,
    "Polars": lambda folder: polars.read_delta(folder).height,
}


@pytest.fixture(scope="module")
def folders(nights: Nights) -> dict[str, str]:
    """Full name of each table of the lake -> its folder."""
    found = {name: folder_of(nights.lake, name) for name in TABLES}
    return {name: str(folder) for name, folder in found.items() if folder.is_dir()}


@pytest.mark.parametrize("reader", READERS)
def test_every_table_opens_in_each_reader_but_variants_in_polars(spark, nights, folders, reader):
    opened, refused = {}, set()
    for name, folder in folders.items():
        try:
            opened[name] = READERS[reader](folder)
        except polars.exceptions.ComputeError:
            refused.add(name)
    assert refused == (NOT_FOR_POLARS & folders.keys() if reader == "Polars" else set())
    said = {name for name, folder in folders.items() if VARIANTS in DeltaTable(folder).metadata().description}
    assert said == NOT_FOR_POLARS & folders.keys()
    assert opened == Lake(spark, nights.lake("verify")).counts(opened)


def test_what_is_in_quarantine_is_read_as_it_came(folders):
    rows = polars.read_delta(folders["ops.quarantine"])
    came = [json.loads(raw) for raw in rows["raw"]]
    assert came and all(isinstance(record, dict) for record in came)
    assert any(record["_malformed"] for record in came)
    assert "ops.quarantine" not in NOT_FOR_POLARS and "silver.iot_events" in NOT_FOR_POLARS
