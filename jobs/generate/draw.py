"""Seeded values in plain Python, as `values.py` gives them in SQL: hashes, never `random` or the clock."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")
HALF = 2.0**-53


class Draw:
    """Values derived from a seed, a source and what identifies the row; each value has its own name."""

    def __init__(self, seed: int, source: str, *of: object) -> None:
        self._root = blake2b(f"{seed}/{source}/{'/'.join(map(str, of))}/".encode(), digest_size=16)

    def digest(self, name: str) -> bytes:
        """16 bytes."""
        root = self._root.copy()
        root.update(name.encode())
        return root.digest()

    def uniform(self, name: str) -> float:
        """A number, uniform in [0, 1)."""
        return (int.from_bytes(self.digest(name)[:8], "big") >> 11) * HALF

    def between(self, name: str, low: float, high: float, digits: int = 2) -> float:
        """A number, uniform from low to high, rounded."""
        return round(low + (high - low) * self.uniform(name), digits)

    def integer(self, name: str, low: int, high: int) -> int:
        """An integer, uniform in low…high, both included."""
        return low + int((high - low + 1) * self.uniform(name))

    def pick(self, name: str, values: Sequence[T]) -> T:
        """One of the values, equally often."""
        return values[int(len(values) * self.uniform(name))]

    def chance(self, name: str, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.uniform(name) < probability

    def sample(self, name: str, values: Sequence[T], count: int) -> list[T]:
        """So many different values, in their own order; each equally often."""
        ordered = sorted(range(len(values)), key=lambda index: self.digest(f"{name}.{index}"))
        return [values[index] for index in sorted(ordered[:count])]
