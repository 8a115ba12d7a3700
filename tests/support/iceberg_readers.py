"""What people read an Iceberg table with, each with an implementation of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

import duckdb
import pyarrow as pa
from pyiceberg.table import StaticTable

EXTENSIONS = ("duckdb_extension_avro", "duckdb_extension_iceberg")  # installed as Python packages


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    # Nothing is fetched: what is not in these files is missing.
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.execute("SET TimeZone = 'UTC'")
    for package in EXTENSIONS:
        (file,) = files(package).joinpath("extensions", f"v{duckdb.__version__}").iterdir()
        connection.load_extension(str(file))
    return connection


def by_duckdb(metadata: str) -> pa.Table:
    """The rows of the table whose metadata is there, read by DuckDB's extension."""
    return _connection().execute("FROM iceberg_scan(?)", [metadata]).to_arrow_table()


def by_pyiceberg(metadata: str) -> pa.Table:
    """The same, read by pyiceberg."""
    return StaticTable.from_metadata(metadata).scan().to_arrow()


READERS: Mapping[str, Callable[[str], pa.Table]] = {"DuckDB": by_duckdb, "pyiceberg": by_pyiceberg}
