"""Where a job works and what it was asked to do: its argument list, checked."""

import re
from argparse import ArgumentTypeError
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from catalog.tables import GOLD, NAMES, SOURCES, TABLES, Source, Table, selection
from jobs.stream.options import Stream

FIRST_NIGHT = date(2024, 1, 1)  # the simulated fleet is installed on this day
SHORTEST_RETENTION_DAYS = 7
MIN_SCALE = 0.001  # 200 rows a night
MAX_SCALE = 10.0  # 1.4 million readings a night; reading ids leave room for exactly this


@dataclass(frozen=True)
class Settings:
    """One job's whole input."""

    stage: str
    night: date  # the day, UTC, whose data the job works on
    run_id: str
    home: Path  # landing zone, checkpoints, data docs
    catalog: str
    prefix: str  # put before every schema name
    tables: frozenset[str]  # selected sources and gold tables
    scale: float = 1.0  # 1.0 = the reference documents' volume
    seed: int = 42
    dirt: Mapping[str, float] = field(default_factory=dict)  # kind -> share of rows, where other than usual
    layer: str | None = None  # for `check`: bronze, silver or gold
    first: date | None = None  # for `history`: the nights from this one to `night`
    stream: Stream | None = None  # for `stream`
    received: str = ""  # for `receive`: the source, called like its topic
    vacuum_days: int = 7  # for `maintain`: older versions of tables may become unreadable
    docs_days: int = 30  # for `maintain`: runs whose pages go are older than this

    def __post_init__(self) -> None:
        if self.first and self.first > self.night:
            raise ArgumentTypeError(f"the range ends on {self.night}, before it begins on {self.first}")

    @property
    def nights(self) -> list[date]:
        """The nights to work on: one, but for `history`."""
        first = self.first or self.night
        return [first + timedelta(days) for days in range((self.night - first).days + 1)]

    @property
    def docs(self) -> Path:
        """The folder that the Airflow UI serves."""
        return self.home / "data-docs"

    @property
    def landing(self) -> Path:
        """The folder that holds one folder a source."""
        return self.home / "landing"

    def truth(self, source: str, night: date) -> Path:
        """The folder that says which faults were put into a night's delivery; no stage of the pipeline reads it."""
        return self.home / "truth" / source / f"arrived={night}"

    @property
    def run_folder(self) -> Path:
        """Pages and results of this run."""
        return self.docs / "runs" / self.run_id

    @property
    def step(self) -> str:
        """Name of the stage within the night: `check_bronze`, `check_silver` and `check_gold` are three."""
        part = self.stream.source if self.stream else self.layer
        return f"{self.stage}_{part}" if part else self.stage

    def schema(self, name: str) -> str:
        """Quoted, full name of a schema."""
        return f"`{self.catalog}`.`{self.prefix}{name}`"

    def table(self, name: str) -> str:
        """Quoted, full name of a table of the catalog, given as `layer.name`."""
        table = TABLES[name]
        return f"{self.schema(table.layer)}.`{table.name}`"

    @property
    def sources(self) -> list[Source]:
        """The selected sources, in the catalog's order."""
        return [source for name, source in SOURCES.items() if name in self.tables]

    @property
    def gold(self) -> list[Table]:
        """The selected gold tables, in the catalog's order."""
        return [table for name, table in GOLD.items() if name in self.tables]


def night(text: str) -> date:
    """Parse a night; it must be over, and not before the fleet's first.

    `before:2024-03-06` is the night before that day, for schedulers that know dates but cannot calculate.
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
    if value < FIRST_NIGHT:
        raise ArgumentTypeError(f"{value} is before the first night of the simulated fleet, {FIRST_NIGHT}")
    return value


def scale(text: str) -> float:
    """Parse a scale: from MIN_SCALE to MAX_SCALE."""
    try:
        value = float(text)
    except ValueError:
        raise ArgumentTypeError(f"{text[:40]!r} is not a number") from None
    if not MIN_SCALE <= value <= MAX_SCALE:
        raise ArgumentTypeError(
            f"{text[:40]} is out of range; it must be from {MIN_SCALE:g} to {MAX_SCALE:g}"
        )
    return value


def seed(text: str) -> int:
    """Parse a seed: a 31-bit whole number."""
    if not re.fullmatch(r"\d{1,10}", text) or int(text) >= 2**31:
        raise ArgumentTypeError(f"{text[:40]!r} is not a whole number from 0 to {2**31 - 1}")
    return int(text)


def vacuum_days(text: str) -> int:
    """Parse how many days old versions of tables stay readable: a week at least, as Delta has it too.

    Younger files may belong to a write that is still under way, or to a query that reads an older version.
    """
    value = days(text)
    if value < SHORTEST_RETENTION_DAYS:
        raise ArgumentTypeError(
            f"{value} days are too few: files younger than {SHORTEST_RETENTION_DAYS} days may still be needed"
        )
    return value


def days(text: str) -> int:
    """Parse a number of days: from 1 to 36500."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= 36500:
        raise ArgumentTypeError(f"{text[:40]!r} is not a number of days from 1 to 36500")
    return int(text)


def yesterday() -> date:
    """The latest night that is over (UTC)."""
    return datetime.now(UTC).date() - timedelta(days=1)


def selected_tables(text: str) -> frozenset[str]:
    """Parse a comma-separated list of sources and gold tables; an empty one means all."""
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in NAMES:
            raise ArgumentTypeError(f"no table {name[:40]!r}; choose from {', '.join(NAMES)}")
    return selection(names)


def run_id(text: str) -> str:
    """Check a run id: it names folders and sessions, so only plain characters."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", text) or set(text) == {"."}:
        raise ArgumentTypeError(f"{text[:40]!r} is not 1 to 200 letters, digits, dots, dashes or underscores")
    return text


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
