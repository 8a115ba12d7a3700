"""The envelope of records: the document around them, into which `names` leads by paths that begin with `$`."""

from collections.abc import Sequence
from itertools import dropwhile

from catalog.json_path import Path, path_of

ROOT = "$"


def is_of_envelope(theirs: str) -> bool:
    """Whether a name leads into the document around a record: `$.gateway`; a member called `$` is `['$']`."""
    return theirs.startswith((f"{ROOT}.", f"{ROOT}["))


def check_envelope(theirs: Sequence[str], records: str) -> None:
    """Raise ValueError for a name that leads to nothing in the document around its records."""
    inside = path_of(records).steps if records else ()
    into = [name for name in theirs if is_of_envelope(name)]
    for name in into:
        if flaw := _flaw(path_of(name).steps[1:], inside):
            raise ValueError(f"names has {name}: {flaw}")
    if into and (own := [name for name in theirs if name not in into and path_of(name).steps[0] == ROOT]):
        raise ValueError(
            f"names has {own[0]} of a record and {into[0]} of its document: a record has one {ROOT}"
        )


def _flaw(steps: tuple[str | int, ...], inside: tuple[str | int, ...]) -> str:
    """Return why no record has what lies at these steps of its document; empty if one may."""
    if not inside:
        return f"{ROOT} is the document around the records, and there is none without `records`; leave {ROOT} out"
    shared = next((at for at, (a, b) in enumerate(zip(steps, inside, strict=False)) if a != b), None)
    if shared is None:
        within = [*dropwhile(lambda step: isinstance(step, int), steps[len(inside) :])]
        return f"it is within the records; write {Path(tuple(within))}" if within else "the records lie there"
    if isinstance(steps[shared], int):
        other = Path((ROOT, *steps[:shared], *steps[shared + 1 :]))
        return f"of an array on the way to the records, each has the element that it is in; write {other}"
    return ""
