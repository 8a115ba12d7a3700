"""Incidents of which somebody was notified and that are not over: a file each in the lake's folder, `incidents/`.

The only module that reads or writes them. They are files and no variables of Airflow's, because what acts on a missed
deadline may read variables and set none (3.3.2), and because all workers share the folder anyway.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException
from job import data_docs, slug_of

if TYPE_CHECKING:
    from pathlib import Path


def begin(name: str, now: datetime | None = None) -> bool:
    """Keep that an incident has begun; False when it is known already. Of several that ask at once, one gets True."""
    try:
        file = _file(name)
    except AirflowFailException:
        # A DAG processor need not know where the lake is.
        return True
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as fresh:
            fresh.write((now or datetime.now(UTC)).isoformat())
    except FileExistsError:
        # Not so when something else is where the folder should be.
        return not file.is_file()
    except OSError:
        # Twice is better than never: a full disk makes nights late.
        return True
    return True


def end(name: str) -> datetime | None:
    """Forget an incident, and return when it began; None when there is none, or another has just ended it."""
    file = _file(name)
    try:
        began = datetime.fromisoformat(file.read_text(encoding="utf-8"))
        file.unlink()
    except FileNotFoundError:
        return None
    except ValueError:
        # Whoever began it was killed before it was written.
        began = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        file.unlink()
    return began


def _file(name: str) -> Path:
    return data_docs().parent / "incidents" / slug_of(name)
