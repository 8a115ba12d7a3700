"""What the columns of a source are called in its files: names of a CSV header, or paths into an object of JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations

from catalog.columns import columns_of
from catalog.envelope import check_envelope, is_of_envelope
from catalog.json_path import Path, path_of


@dataclass(frozen=True, kw_only=True)
class Names:
    """The key `names` of a source; what it means stands at the head of `demo.toml`."""

    names: tuple[tuple[str, str], ...] = ()  # theirs, ours

    @property
    def around(self) -> tuple[Path, ...]:
        """Paths of JSON into the document around a record, in which they begin with `$`."""
        return tuple(path_of(theirs) for theirs, _ in self.names if is_of_envelope(theirs))

    def check_names(self, format_: str, columns: str, records: str) -> None:
        """Raise ValueError for names that lead to no column, or not to one alone."""
        pairs = self.names if isinstance(self.names, tuple) else (self.names,)
        if odd := [each for each in pairs if not isinstance(each, tuple)]:
            raise ValueError(f"names must be a table of their names and ours, not {odd[0]!r}")
        if loose := [theirs for theirs, ours in pairs if not isinstance(ours, str)]:
            raise ValueError(
                f'names has {loose[0]} without quotes: write a path as "{loose[0]}.…" = "column", in quotes'
            )
        if unknown := sorted({ours for _, ours in pairs} - columns_of(columns).keys()):
            raise ValueError(f"names leads to {', '.join(unknown)}, which is none of its columns")
        if format_ == "csv":
            _check_case(pairs)
        if format_ == "json" and pairs:
            _check_paths(paths_of(columns, pairs), columns_of(columns))
            check_envelope([theirs for theirs, _ in pairs], records)


@cache  # readers ask for it at each column
def paths_of(columns: str, names: tuple[tuple[str, str], ...]) -> Mapping[str, tuple[Path, ...]]:
    """Column -> where its value lies in an object of JSON: at the first of these that has one.

    Raises ValueError for a name that is no path.
    """
    found: dict[str, list[Path]] = {}
    for theirs, ours in names:
        found.setdefault(ours, []).append(path_of(theirs))
    return {name: tuple(found.get(name, [Path((name,))])) for name in columns_of(columns)}


def _check_case(pairs: Iterable[tuple[str, str]]) -> None:
    """Raise ValueError for two names that are one in a header, where case does not matter, and lead to two columns."""
    known: dict[str, tuple[str, str]] = {}
    for theirs, ours in pairs:
        other, column = known.setdefault(theirs.casefold(), (theirs, ours))
        if column != ours:
            raise ValueError(
                f"names leads {other} to {column} and {theirs} to {ours}, which are one name in a header"
            )


def _check_paths(paths: Mapping[str, tuple[Path, ...]], kinds: Mapping[str, str]) -> None:
    """Raise ValueError for two paths of which one cannot be where the other is."""
    places = [(path, name) for name, found in paths.items() for path in found]
    for (path, name), (other, another) in combinations(places, 2):
        if path == other:
            raise ValueError(f"names leads {path} to {name} and to {another}")
        if said := _clash(path, other):
            raise ValueError(said)
        outer, column = (path, name) if len(path.steps) < len(other.steps) else (other, another)
        if _is_within(path, other) and kinds[column] != "VARIANT":
            inner = other if outer is path else path
            raise ValueError(
                f"names has {inner} within {outer}, which only a VARIANT can be: {column} is none"
            )


def _clash(path: Path, other: Path) -> str:
    """Return why a record cannot have both, at the first step in which they differ; empty if one may."""
    for at, (step, its) in enumerate(zip(path.steps, other.steps, strict=False)):
        if type(step) is not type(its):
            return f"names has {path} and {other}: {Path(path.steps[:at])} is an array or an object"
        if isinstance(step, str) and isinstance(its, str) and step != its:
            is_same = step.casefold() == its.casefold()
            return f"names has {path} and {other}: names differ in more than case" if is_same else ""
    return ""


def _is_within(path: Path, other: Path) -> bool:
    """Whether one leads further than the other on its way, whatever the numbers within arrays."""
    steps = zip(path.steps, other.steps, strict=False)
    alike = all(step == its or (isinstance(step, int) and isinstance(its, int)) for step, its in steps)
    return alike and len(path.steps) != len(other.steps)
