"""DuckDB over the files of a lake: it opens nothing else, is bounded, and ends at a deadline."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import duckdb
import pyarrow as pa

from serving.problems import Problem

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    # Beside Airflow's own in the API server, which has twice as much in the containers.
    "memory_limit": "512MB",
    "threads": 2,
    # What takes more memory is refused, and not put on some disk.
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
}
# Seconds until a statement that has not ended is interrupted again: one that had not begun yet forgets it.
AGAIN = 0.1


@lru_cache(maxsize=2)
def _database(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return the database that may read files under a folder; it keeps their footers."""
    database = duckdb.connect(":memory:", config=SETTINGS)
    database.execute("SET GLOBAL TimeZone = 'UTC'")
    database.execute("SET GLOBAL parquet_metadata_cache = true")
    database.execute("SET GLOBAL enable_external_file_cache = false")  # the system has one
    folders = [str(folder), pattern(str(folder))]
    database.execute("SET GLOBAL allowed_directories = $folders", {"folders": folders})
    database.execute("SET GLOBAL enable_external_access = false")
    database.execute("SET GLOBAL lock_configuration = true")
    return database


def pattern(path: str) -> str:
    """Return a path for DuckDB, to which each is a pattern, with its wildcards in brackets."""
    return re.sub(r"[\[*?]", r"[\g<0>]", path)


def kinds(folder: Path, types: pa.Schema) -> dict[str, str]:
    """Return the SQL type of each column."""
    with _database(folder).cursor() as cursor:
        found = cursor.from_arrow(types.empty_table()).types
    return dict(zip(types.names, map(str, found), strict=True))


def execute(folder: Path, text: str, parameters: Mapping[str, object], deadline: float | None) -> pa.Table:
    """Return what a statement about files under a folder selects; `deadline` is a moment of `time.monotonic`.

    Raises Problem when the deadline passes or memory does not suffice, and DuckDB's own errors.
    """
    try:
        with _database(folder).cursor() as cursor, _ended(cursor, deadline):
            return cursor.execute(text, parameters).to_arrow_table()
    except duckdb.InterruptException:
        raise _too_long() from None
    except duckdb.OutOfMemoryException:
        detail = (
            "reading took too much memory; ask for fewer rows, by a condition on the table's date, or columns"
        )
        raise Problem(503, "Took too much memory", detail) from None
    except (duckdb.FatalException, duckdb.InternalException):
        # It answers nothing more after these.
        _database.cache_clear()
        raise


@contextmanager
def _ended(cursor: duckdb.DuckDBPyConnection, deadline: float | None) -> Iterator[None]:
    """Interrupt what a cursor executes at a deadline."""
    if deadline is None:
        yield
        return
    if time.monotonic() > deadline:
        raise _too_long()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(max(deadline - time.monotonic(), AGAIN)):
            cursor.interrupt()

    watcher = threading.Thread(target=watch, name="deadline", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _too_long() -> Problem:
    detail = "reading took too long; ask for fewer rows, by a condition on the table's date"
    return Problem(503, "Took too long", detail)
