"""Seeded values as SQL expressions.

A value is a hash of (seed, source, column, row), never `rand()` or the clock, so the same row has the same
value on every platform, in any partitioning and in whatever order nights are generated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ROW = ("night_index", "row")  # what identifies a generated row within its source


@dataclass(frozen=True)
class Values:
    """Expressions for one source; `of` names the columns that the value follows from (default: the row)."""

    seed: int
    source: str

    def hash(self, name: str, *of: str) -> str:
        """A 64-bit hash."""
        return f"xxhash64({self.seed}L, '{self.source}.{name}', {', '.join(of or ROW)})"

    def uniform(self, name: str, *of: str) -> str:
        """A double, uniform in [0, 1)."""
        # The low 53 bits fit a double exactly.
        return f"(({self.hash(name, *of)} & 9007199254740991L) / 9007199254740992D)"

    def between(self, name: str, low: float, high: float, *of: str) -> str:
        """A double, uniform in [low, high)."""
        return f"({low}D + {high - low}D * {self.uniform(name, *of)})"

    def integer(self, name: str, low: int, high: int, *of: str) -> str:
        """A BIGINT, uniform in low…high, both included."""
        return f"({low}L + pmod({self.hash(name, *of)}, {high - low + 1}L))"

    def bell(self, name: str, low: float, high: float, *of: str) -> str:
        """A double in [low, high), bell-shaped around the middle (mean of three uniforms)."""
        mean = " + ".join(self.uniform(f"{name}.{part}", *of) for part in "abc")
        return f"({low}D + {high - low}D * (({mean}) / 3D))"

    def pick(self, name: str, values: Sequence[str], *of: str, weights: Sequence[float] = ()) -> str:
        """One of the values, equally often or by weight."""
        shares = weights or [1] * len(values)
        return choose(self.uniform(name, *of), values, shares)

    def chance(self, name: str, probability: float, *of: str) -> str:
        """A BOOLEAN that is true with the given probability."""
        return f"({self.uniform(name, *of)} < {probability}D)"


def choose(uniform: str, values: Sequence[str], weights: Sequence[float]) -> str:
    """The value in whose share of [0, 1) the uniform expression falls."""
    total, reached, cases = sum(weights), 0.0, []
    for value, weight in zip(values[:-1], weights[:-1], strict=True):
        reached += weight
        cases.append(f"WHEN {uniform} < {reached / total}D THEN '{value}'")
    return f"(CASE {' '.join(cases)} ELSE '{values[-1]}' END)" if cases else f"'{values[0]}'"
