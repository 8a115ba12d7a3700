"""Arguments of several stages and commands: a night, tables, and the location of the lake."""

import os
import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from catalog.tables import NAMES, OPTIONAL, selection
from jobs.lineage.parent import WRITTEN_AS, Parent
from jobs.settings import BY_HAND

EARLIEST = date(1970, 1, 1)


def night(text: str) -> date:
    """Parse a night; it must be over, and not before 1970.

    `before:2024-03-06` is the night before that day, for schedulers that cannot calculate dates.
    """
    day = text.removeprefix("before:")
    try:
        value = date.fromisoformat(day) if re.fullmatch(r"\d{4}-\d\d-\d\d", day) else None
        if value and day != text:
            value -= timedelta(days=1)
    except (ValueError, OverflowError):
        value = None
    if value is None:
        raise ArgumentTypeError(
            f"{text[:40]!r} is not a date; write it as YYYY-MM-DD, for example 2024-03-05"
        )
    if value > (latest := yesterday()):
        raise ArgumentTypeError(f"{value} is not over yet (UTC); the latest night is {latest}")
    if value < EARLIEST:
        raise ArgumentTypeError(f"{value} is before {EARLIEST}, the earliest night")
    return value


def yesterday() -> date:
    """Return the latest night that is over (UTC)."""
    return datetime.now(UTC).date() - timedelta(days=1)


def add_night(
    parser: ArgumentParser,
    flag: str = "--night",
    name: str = "night",
    text: str = "the day (UTC) to work on; before:YYYY-MM-DD is the day before that one",
    default: date | None = None,
    kind: Callable[[str], date] = night,
) -> None:
    """Declare a day that is over; it is required without a default."""
    parser.add_argument(
        flag,
        dest=name,
        type=kind,
        required=default is None,
        default=default,
        metavar="YYYY-MM-DD",
        help=text,
    )


def add_filing_night(parser: ArgumentParser) -> None:
    """Declare the night under which a stage is filed that does not work on a night."""
    text = "the day (UTC) to file the run under (default: yesterday)"
    add_night(parser, text=text, default=yesterday())


def add_tables(parser: ArgumentParser) -> None:
    """Declare the tables that a run is limited to."""
    parser.add_argument(
        "--tables",
        type=selected_tables,
        default="",
        metavar="A,B",
        help=f"only these, what they read and what reads them; any of: {', '.join(NAMES)} "
        f"(default: all{_but_optional()})",
    )


def _but_optional() -> str:
    return f" but {', '.join(OPTIONAL)} and what is made of them" if OPTIONAL else ""


def selected_tables(text: str) -> frozenset[str]:
    """Parse a comma-separated list of sources and gold tables; an empty one means all."""
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in NAMES:
            raise ArgumentTypeError(f"no table {name[:40]!r}; choose from {', '.join(NAMES)}")
    return selection(names)


def add_run_id(parser: ArgumentParser) -> None:
    """Declare the run's id."""
    parser.add_argument(
        "--run-id",
        type=run_id,
        default=BY_HAND,
        metavar="ID",
        help="names this run in ops tables and pages (default: %(default)s)",
    )
    parser.add_argument(
        "--parent",
        type=parent,
        metavar=WRITTEN_AS,
        help="the attempt at a task of Airflow that runs this, for lineage (default: none)",
    )


def parent(text: str) -> Parent | None:
    """Parse the attempt at a task that runs the job; empty for none."""
    try:
        return Parent.parse(text) if text else None
    except ValueError:
        raise ArgumentTypeError(f"{text[:80]!r} is no attempt at a task; write it as {WRITTEN_AS}") from None


def run_id(text: str) -> str:
    """Check a run id: it names folders and sessions, so only plain characters."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", text) or set(text) == {"."}:
        raise ArgumentTypeError(f"{text[:40]!r} is not 1 to 200 letters, digits, dots, dashes or underscores")
    return text


def add_location(parser: ArgumentParser) -> None:
    """Declare the lake's folder, the catalog and the prefix of its schemas."""
    parser.add_argument(
        "--home",
        type=home,
        default=os.environ.get("LAKEHOUSE_HOME", "lake"),
        metavar="FOLDER",
        help="landing zone, checkpoints and data docs (default: $LAKEHOUSE_HOME or ./lake)",
    )
    parser.add_argument(
        "--catalog",
        type=identifier,
        default="spark_catalog",
        help="catalog of all tables (default: %(default)s)",
    )
    parser.add_argument(
        "--prefix", type=identifier, default="", help="put before every schema name (default: none)"
    )


def identifier(text: str) -> str:
    """Check a catalog name or schema prefix: letters, digits and underscores."""
    if not re.fullmatch(r"[A-Za-z0-9_]{0,100}", text):
        raise ArgumentTypeError(f"{text[:40]!r} is not made of letters, digits and underscores")
    return text


def home(text: str) -> Path:
    """Check the lake's folder: a plain path, not a URL, without `..`."""
    if "://" in text or ".." in Path(text).parts or "\n" in text or not text:
        raise ArgumentTypeError(f"{text[:80]!r} is not a plain folder path (no URL, no '..')")
    return Path(text).absolute()
