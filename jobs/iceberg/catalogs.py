"""Where the Iceberg copies of gold are listed: a SQLite file in the lake, or a catalog that is configured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import JobError, UsageError
from jobs.hidden_modules import show

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

VARIABLE = "LAKEHOUSE_ICEBERG"
SQLITE = "sqlite"  # the catalog that needs no configuration
MISSING = "Iceberg needs pyiceberg: install the extra `iceberg` of this project"


def named() -> str:
    """Name of the catalog to which `publish` copies gold, from LAKEHOUSE_ICEBERG; empty: to none."""
    return os.environ.get(VARIABLE, "")


def in_use(home: Path) -> str:
    """Name of the catalog that may list copies of this lake: the one that is named, or the lake's own; empty: none."""
    return named() or (SQLITE if _file(home).exists() else "")


def load(name: str, home: Path) -> Catalog:
    """Open a catalog: `sqlite` is a file in the lake; pyiceberg's variables say where any other one is.

    Those are PYICEBERG_CATALOG__<NAME>__TYPE, __URI, __WAREHOUSE, __CREDENTIAL and so on.

    Raises UsageError for a name that is not configured, or without pyiceberg.
    """
    show("sqlalchemy")
    try:
        from pyiceberg.catalog import load_catalog
    except ImportError:
        raise UsageError(MISSING) from None
    try:
        return load_catalog(name, **(_sqlite(home) if name == SQLITE else {}))
    except (ValueError, KeyError) as error:
        raise UsageError(f"the Iceberg catalog {name!r} is not configured: {_line(error)}") from None


@contextmanager
def answering(name: str) -> Iterator[None]:
    """Raise JobError, in one line, where a catalog does not answer or refuses what it is asked."""
    show("sqlalchemy")
    try:
        from pyiceberg.exceptions import RESTError
        from requests import RequestException
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        raise UsageError(MISSING) from None
    try:
        yield
    except (RESTError, RequestException, SQLAlchemyError) as error:
        raise JobError(f"the Iceberg catalog {name!r} does not answer: {_line(error)}") from None


def _file(home: Path) -> Path:
    return home / "iceberg" / "catalog.db"


def _sqlite(home: Path) -> dict[str, str]:
    from sqlalchemy import URL

    file = _file(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    # A path, not a URI: pyiceberg decodes neither %20 nor other escapes.
    return {
        "type": "sql",
        "uri": str(URL.create("sqlite", database=str(file))),
        "warehouse": str(file.parent),
    }


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
