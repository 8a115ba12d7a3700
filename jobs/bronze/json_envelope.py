"""What records have of the document around them: of each object on the way to them, the members that `names` wants.

A record has them in front, as its member `$`, as they are spelled. Needs nothing but Python.
"""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from catalog.envelope import ROOT
from catalog.json_path import Path, path_of

_IS_EMPTY = re.compile(r"\{[ \t\r\n]*\}")


class Level(NamedTuple):
    """An object on the way to records."""

    name: str  # of the member in which they lie
    around: frozenset[str]  # `nearly` the names of those that each record is to have
    is_kept: bool  # whether records are to have any, of this object or of those within


def levels_of(path: str, around: Sequence[Path]) -> list[Level]:
    """The objects on the way to records, the outermost first."""
    steps = path_of(path).steps if path else ()
    kept = [
        {
            nearly(str(each.steps[at + 1]))
            for each in around
            if each.steps[1 : at + 1] == steps[:at] and each.steps[at + 1] != step
        }
        for at, step in enumerate(steps)
    ]
    return [Level(str(step), frozenset(kept[at]), any(kept[at:])) for at, step in enumerate(steps)]


def nearly(name: str) -> str:
    """Return a name in small letters up to its first dot: the same for names in another case, and for `a.b` and `a`.

    Members whose names are only nearly the one that is wanted are kept, too, so that validation can say so.
    """
    return name.casefold().partition(".")[0]


def with_envelope(record: str, kept: Sequence[str], levels: Sequence[Level]) -> str:
    """Return a record with what it has of the document around it in front, as its member `$`, even if that is empty.

    A `$` that the record has itself comes after it, and does not count.
    """
    envelope = ""
    for level, members in reversed([*zip(levels, kept, strict=False)]):
        within = f"{json.dumps(level.name)}:{{{envelope}}}" if envelope else ""
        envelope = ",".join(filter(None, (members, within)))
    between = "" if _IS_EMPTY.fullmatch(record) else ","
    return f'{{"{ROOT}":{{{envelope}}}{between}{record[1:]}'
