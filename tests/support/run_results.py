"""Results of steps, as the jobs would leave them, for tests of those who read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from catalog.run_result import DONE, RunResult, TableEntry, path_of


def result(stage: str, *tables: TableEntry, **changed: Any) -> RunResult:
    """The result of a step of night 2024-03-05 that went well, but for what is changed."""
    usual: dict[str, Any] = {
        "night": "2024-03-05",
        "run_id": "test",
        "status": DONE,
        "exit": 0,
        "message": "",
        "started_at": "2024-03-06T01:00:00+00:00",
        "ended_at": "2024-03-06T01:01:15+00:00",
        "seconds": 75.0,
    }
    return RunResult(stage, **usual | changed, tables=tables)


def leave(docs: Path, found: RunResult) -> None:
    """Write a result where the jobs write it."""
    file = docs / path_of(found.run_id, found.stage)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(found.to_json())
