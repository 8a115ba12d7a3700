"""What silver has begun to write and not accounted for, a file a run: `checkpoints/begun/<run>.json` of the lake.

A run that ends between its merge and its accounts leaves rows in silver that no account counts and no check has seen.
Until some run has reconciled them, gold leaves the slices alone that they touch. They are files, since an account that
says so would be one more commit in every night. The only module that reads or writes them.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from catalog.tables import Source
from jobs.files import write_atomically
from jobs.settings import Settings
from jobs.state.accounts import Nights

Begun = dict[str, dict[date, set[date]]]  # source -> night -> event dates of which it loses rows


def begin(settings: Settings, nights: Mapping[Source, Nights]) -> None:
    """Keep that this run is about to write nights of some sources in silver. Safe to repeat."""
    if not any(nights.values()):
        return
    file = _folder(settings) / f"{settings.run_id}.json"
    begun = add(_read(file), {source.name: each for source, each in nights.items()})
    _write(file, begun)


def end(settings: Settings, accounted: Iterable[tuple[str, date]]) -> None:
    """Forget the sources and nights that have accounts now, whichever run had begun to write them."""
    over = {*accounted}
    for file in _folder(settings).glob("*.json"):
        before = _read(file)
        left = {
            source: {night: lost for night, lost in nights.items() if (source, night) not in over}
            for source, nights in before.items()
        }
        if not any(left.values()):
            file.unlink(missing_ok=True)
        elif left != before:
            _write(file, left)


def read(settings: Settings) -> Begun:
    """What all runs have begun and none has accounted for."""
    found: Begun = {}
    for file in _folder(settings).glob("*.json"):
        add(found, _read(file))
    return found


def add(begun: Begun, more: Mapping[str, Nights]) -> Begun:
    """Add nights to others, in place; return them."""
    for source, nights in more.items():
        for night, lost in nights.items():
            begun.setdefault(source, {}).setdefault(night, set()).update(lost)
    return begun


def _read(file: Path) -> Begun:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}  # another run has accounted for all of it meanwhile
    return {
        source: {
            date.fromisoformat(night): {*map(date.fromisoformat, lost)} for night, lost in nights.items()
        }
        for source, nights in kept.items()
    }


def _write(file: Path, begun: Begun) -> None:
    kept = {
        source: {str(night): sorted(map(str, lost)) for night, lost in nights.items()}
        for source, nights in begun.items()
        if nights
    }
    write_atomically(file, json.dumps(kept, indent=1))


def _folder(settings: Settings) -> Path:
    return settings.home / "checkpoints" / "begun"
