"""Where a value lies in an object of JSON: `object.temperature`, `rxInfo[0].rssi`, `['a.b'].c` if a name has dots."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# A name that needs no quotes; also what Java takes for one.
BARE = r"[^.\[\]'\"\\*? \t](?:[^.\[\]'\"\\*?]*[^.\[\]'\"\\*? \t])?"
_INDEX = r"\[(0|[1-9]\d{0,3})\]"
_QUOTED = r"\['([^'\\?]+)'\]"
_PATH = re.compile(rf"(?:{BARE}|{_QUOTED})(?:\.{BARE}|{_INDEX}|{_QUOTED})*")
_STEP = re.compile(rf"\.?({BARE})|{_INDEX}|{_QUOTED}")


@dataclass(frozen=True)
class Path:
    """The names and, within arrays, the numbers from 0 that lead to a value; none is the object itself."""

    steps: tuple[str | int, ...]

    def __str__(self) -> str:
        """The path in its one spelling: two that differ are spelled differently."""
        return "".join(map(_spelled, self.steps)).removeprefix(".")

    @property
    def in_variant(self) -> str:
        """The path as Spark has it for variants."""
        return "$" + "".join(f"[{step}]" if isinstance(step, int) else f"['{step}']" for step in self.steps)

    @property
    def parents(self) -> "list[Path]":
        """The objects and arrays on the way, the outermost first."""
        return [Path(self.steps[:length]) for length in range(len(self.steps))]


def path_of(text: str) -> Path:
    """Read a path as the catalog writes it. Raises ValueError for what is none."""
    if not _PATH.fullmatch(text):
        raise ValueError(
            f"{text!r} is no path; write one like object.temperature, rxInfo[0].rssi, or ['a.b'].c where a name has "
            "a dot"
        )
    found = _STEP.finditer(text)
    return Path(tuple(int(step[2]) if step[2] else step[1] or step[3] for step in found))


def containers(paths: Iterable[Path]) -> dict[Path, str]:
    """What some paths lead through, the outermost first: `object` or `array`, as which a record has it."""
    found: dict[Path, str] = {}
    for path in paths:
        for parent in path.parents:
            found[parent] = "array" if isinstance(path.steps[len(parent.steps)], int) else "object"
    return found


def _spelled(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if re.fullmatch(BARE, step) else f"['{step}']"
