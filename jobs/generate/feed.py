"""What a simulated feed is: its volume, its columns as expressions, and its faults."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from jobs.generate.values import Values

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FLEET_SIZE = 10_000  # devices of the initial load, ids 1000 to 10999
FIRST_DEVICE = 1000

LATEST_DAYS = 7  # a row arrives at most so late


Row = dict[str, object]  # field -> value, as JSON has it


@dataclass(frozen=True)
class BaseFeed:
    """One simulated source: how much it delivers, and when."""

    source: str
    rows: int  # a night at scale 1
    _: KW_ONLY
    first_night_rows: int | None = None  # where the first night delivers another number
    is_scaled: bool = True  # whether the volume follows --scale
    is_initial: bool = False  # landed once, on the first night
    is_reliable: bool = False  # never late, never sent twice, never malformed
    file_name: str = "{source}-{night}-{number:03d}.{format}"  # of the files that land, numbered from 0

    def count(self, night_index: int, scale: float) -> int:
        """Rows that belong to a night, at least one."""
        rows = self.first_night_rows if night_index == 0 and self.first_night_rows else self.rows
        return max(1, round(rows * scale)) if self.is_scaled else rows


@dataclass(frozen=True)
class NewField:
    """A field that rows have from a night on and the catalog does not list: the next version of the payload."""

    name: str
    since: date
    kind: str  # SQL type
    expression: Callable[[Values], str]


@dataclass(frozen=True)
class Feed(BaseFeed):
    """A feed made by Spark. Columns are built in order; names that begin with `_` are not landed."""

    columns: Callable[[Values], Mapping[str, tuple[str, str]]]  # name -> (SQL type, expression)
    faults: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # kind -> column -> what it becomes
    is_thinned: bool = False  # whether a scale below 1 takes one row in so many, not the first ones
    new_fields: tuple[NewField, ...] = ()  # of JSON only


@dataclass(frozen=True)
class LineFeed(BaseFeed):
    """A feed of JSON objects made in plain Python, row by row."""

    row: Callable[[int, int, int], Row]  # (seed, night index, row) -> the row
    key: str  # field that identifies a row in the fault labels
    faults: Mapping[str, Callable[[Row], Row]] = field(default_factory=dict)  # kind -> what a row becomes


@dataclass(frozen=True)
class FrameFeed(BaseFeed):
    """A feed whose rows another library makes, with the columns of the source and without faults."""

    frame: "Callable[[SparkSession, date, int, int], DataFrame]"  # (session, night, number of rows, seed)


def timestamp(seconds: str) -> str:
    """Expression: so many seconds after the row's night began (UTC)."""
    return f"timestamp_seconds((19723L + night_index) * 86400L + {seconds})"  # day 19723 is 2024-01-01
