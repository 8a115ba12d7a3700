"""What the commands about one table share: its argument, a session of their own, and tables of text."""

import secrets
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from catalog.tables import TABLES, Table
from jobs import session
from jobs.cli.arguments import add_location, yesterday
from jobs.delta.lake import Lake
from jobs.errors import UsageError
from jobs.settings import Settings
from jobs.text_table import text_table

WIDEST = 40  # characters of a cell that are shown


def add_table(parser: ArgumentParser) -> None:
    """Declare the table that a command is about, and the location of its lake."""
    parser.add_argument(
        "table", type=table, metavar="TABLE", help="as gold.climate_hourly; any of the catalog"
    )
    add_location(parser)


def table(text: str) -> Table:
    """Parse the name of a table: `layer.name`, or the name alone where one layer has it."""
    found = [each for name, each in TABLES.items() if text in (name, each.name)]
    if len(found) == 1:
        return found[0]
    if found:
        names = " or ".join(each.full_name for each in found)
        raise ArgumentTypeError(f"{text[:40]!r} is several tables; say {names}")
    near = [name for name in TABLES if name.split(".")[-1] in text or text in name][:5]
    hint = ", ".join(near) if near else f"there are {', '.join(TABLES)[:200]}…"
    raise ArgumentTypeError(f"no table {text[:40]!r}; {hint}")


def from_zero(text: str) -> int:
    """Parse an integer from 0: a version, a limit."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ArgumentTypeError(f"{text[:40]!r} is not an integer from 0")
    return int(text)


def connect(arguments: Namespace) -> Lake:
    """Return a lake with a session of the command's own, so that commands may run at the same time.

    Raises UsageError when the command's table does not exist.
    """
    run_id = f"{arguments.stage}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    settings = Settings(
        stage=arguments.stage,
        night=yesterday(),
        run_id=run_id,
        home=arguments.home,
        catalog=arguments.catalog,
        prefix=arguments.prefix,
        tables=frozenset(),
    )
    lake = Lake(session.connect(settings), settings)
    lake.sign_commits()
    if not lake.exists(arguments.table.full_name):
        name = settings.table(arguments.table.full_name).replace("`", "")
        raise UsageError(f"there is no table {name} yet; has a night been run?")
    return lake


def aligned(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay rows out as text: columns of numbers aligned right, others left, null as an empty cell."""
    cells = [[_cell(value) for value in row] for row in rows]
    is_number = [
        any(cell.replace(",", "").lstrip("-").replace(".", "", 1).isdigit() for cell in column)
        for column in zip(*cells, strict=True)
    ] or [False] * len(header)
    return text_table(header, cells, is_number)


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:,}" if isinstance(value, int) else str(value)
    # Landed values may hold control characters of a terminal.
    plain = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return plain if len(plain) <= WIDEST else f"{plain[: WIDEST - 1]}…"
