"""Rows of each second of a stream; transactions have more in business hours and most in bursts."""

from collections.abc import Sequence
from functools import lru_cache

from jobs.generate.draw import Draw
from jobs.stream.arguments import DAY

# Rows of a minute at a rate of one row a second. Transactions average 60 over a day, too, and never exceed twice that:
# ids leave room for twice the highest rate.
EVEN = 60
QUIET, BUSY, BURST = 37, 90, 120
BUSINESS_HOURS = range(8, 18)  # UTC, on every day
BURSTS = 0.015  # of all minutes
STEP = 23  # has no factor in common with 60


@lru_cache(maxsize=64)
def minutes(source: str, seed: int, night_index: int) -> tuple[int, ...]:
    """Return the rows of each minute of a night at a rate of one row a second."""
    if source != "transactions":
        return (EVEN,) * (DAY // 60)
    draw = Draw(seed, source, night_index)
    return tuple(
        BURST if draw.chance(f"burst.{minute}", BURSTS) else BUSY if minute // 60 in BUSINESS_HOURS else QUIET
        for minute in range(DAY // 60)
    )


def rows_in(second: int, rate: int, of_minutes: Sequence[int]) -> int:
    """Return the rows of a second of the night; a higher rate never gives fewer.

    Each second of a minute rounds at another sixtieth, so that the seconds add up to the minute.
    """
    return (of_minutes[second // 60] * rate + second * STEP % 60) // 60


def rows_in_sql(second: str, rate: int, of_minutes: Sequence[int]) -> str:
    """Return the same as a SQL expression of type BIGINT; `second` is one, too."""
    of_minute = f"array({', '.join(map(str, of_minutes))})[int({second} div 60)]"
    return f"(({of_minute} * {rate}L + {second} * {STEP} % 60) div 60)"
