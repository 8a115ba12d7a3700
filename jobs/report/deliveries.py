"""Which sources have delivered nothing for longer than the catalog lets them, as of a night that just ended."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import Row

from catalog.tables import SOURCES, Source
from jobs import origin
from jobs.settings import Settings


@dataclass(frozen=True)
class Delivery:
    """The last night in which rows of a source arrived."""

    source: str
    last: date
    is_silent: bool  # for as many nights as the catalog says, or more


def watched(settings: Settings) -> list[Source]:
    """The selected sources of which the catalog says how long they may be silent, unless they are simulated.

    None for a night of long ago: that nothing came then is no news.
    """
    if settings.night < today() - timedelta(days=1):
        return []
    return [
        source
        for source in settings.sources
        if source.silent_after_days and not origin.is_simulated(settings, source)
    ]


def found(settings: Settings, rows: Iterable[Row]) -> list[Delivery]:
    """Say of each source whether it is silent; rows are those of `accounts.last_arrivals`.

    A file of a night may come after it, so what came since counts, too. A source of which nothing ever came has none.
    """
    return [
        Delivery(
            row.source, row.last, (settings.night - row.last).days >= SOURCES[row.source].silent_after_days
        )
        for row in rows
    ]


def today() -> date:
    """The day that it is (UTC)."""
    return datetime.now(UTC).date()
