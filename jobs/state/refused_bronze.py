"""Whose bronze did not pass its check, `checkpoints/refused_bronze.json` of the lake: silver takes in none of it.

What is pending may have no account that could say so. The only module that reads or writes that file.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from jobs.files import write_atomically
from jobs.settings import Settings


def read(settings: Settings) -> Mapping[str, str]:
    """The sources whose bronze did not pass its last check, and the night whose run checked it (ISO 8601)."""
    file = _file(settings)
    found: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def keep(settings: Settings, is_refused: Mapping[str, bool]) -> None:
    """Keep what a check has found of each source that it looked at."""
    before = read(settings)
    now = {source: night for source, night in before.items() if source not in is_refused}
    now |= {source: str(settings.night) for source, is_so in is_refused.items() if is_so}
    if now != before:
        write_atomically(_file(settings), json.dumps(now, indent=1))


def _file(settings: Settings) -> Path:
    return settings.home / "checkpoints" / "refused_bronze.json"
