"""How many rows each second of a stream has. Of transactions: more in business hours, and most in bursts."""

from collections.abc import Sequence
from functools import lru_cache

from jobs.generate.draw import Draw
from jobs.stream.arguments import DAY

# Rows of a minute where one a second is asked for. The transactions' come to 60 on average over a day, too, and
# to no more than twice that: a second has room for twice the highest rate.
EVEN = 60
QUIET, BUSY, BURST = 37, 90, 120
BUSINESS_HOURS = range(8, 18)  # UTC, on every day
BURSTS = 0.015  # of all minutes
STEP = 23  # has no factor in common with 60


@lru_cache(maxsize=64)
def minutes(source: str, seed: int, night_index: int) -> tuple[int, ...]:
    """The rows of each minute of a night where one a second is asked for."""
    if source != "transactions":
        return (EVEN,) * (DAY // 60)
    draw = Draw(seed, source, night_index)
    return tuple(
        BURST if draw.chance(f"burst.{minute}", BURSTS) else BUSY if minute // 60 in BUSINESS_HOURS else QUIET
        for minute in range(DAY // 60)
    )


def rows_in(second: int, rate: int, of_minutes: Sequence[int]) -> int:
    """The rows of a second of the night; it never has fewer at a higher rate.

    Each second of a minute rounds at another sixtieth, so that those of a minute add up exactly.
    """
    return (of_minutes[second // 60] * rate + second * STEP % 60) // 60


def rows_in_sql(second: str, rate: int, of_minutes: Sequence[int]) -> str:
    """The same as an expression: a BIGINT, of a BIGINT."""
    of_minute = f"array({', '.join(map(str, of_minutes))})[int({second} div 60)]"
    return f"(({of_minute} * {rate}L + {second} * {STEP} % 60) div 60)"
