"""Where a lake was made: its tables and its checkpoints name their files by full path."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

NAME = "location.txt"


def keep(home: Path) -> None:
    """Write down where a lake is, if that is not known yet. The folder exists."""
    if not (home / NAME).exists():
        (home / NAME).write_text(f"{home}\n")


def objection(home: Path) -> str:
    """Return, in one line, what to do about a lake that was made elsewhere; empty for one that was not."""
    made = _made_at(home)
    if made in ("", str(home)):
        return ""
    return (
        f"the lake {home} was made as {made}, and its tables and checkpoints name their files there: move it back, "
        f"or make {made} a link to where it is, and use it as LAKEHOUSE_HOME={made}"
    )


def _made_at(home: Path) -> str:
    """Return the path under which a lake was made; empty for a new one, and where nothing says it."""
    if (home / NAME).exists():
        return (home / NAME).read_text().rstrip("\n")
    # A lake from before that was written down: Spark's list of the files that bronze has read, one of a batch.
    for batch in sorted(home.glob("checkpoints/bronze/*/sources/0/[0-9]*")):
        if found := re.search(r'"path":"file://(/.*?)/landing/', batch.read_text()):
            return unquote(found[1])
    return ""
