"""A prepared table in another lake: its folder copied, versions and all, instead of each commit made again."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from catalog.tables import TABLES
from jobs.settings import Settings

Lake = Callable[..., Settings]


def folder_of(lake: Lake, name: str) -> Path:
    """Where the test run's server keeps a table of a lake."""
    table, prefix = TABLES[name], lake("verify").prefix
    return Path(os.environ["LAKEHOUSE_HOME"]) / "warehouse" / f"{prefix}{table.layer}.db" / table.name


def copy_tables(spark: Any, prepared: Lake, lake: Lake, *names: str) -> None:
    """Copy tables of a prepared lake into another one, where they are not yet."""
    for name in names:
        folder = folder_of(lake, name)
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {lake('verify').schema(TABLES[name].layer)}")
        shutil.copytree(folder_of(prepared, name), folder)
        spark.sql(f"CREATE TABLE {lake('verify').table(name)} USING DELTA LOCATION '{folder}'")
