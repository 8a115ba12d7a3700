"""How far a step of a run has come, which the jobs write for `make run` while the step goes on.

A file of JSON beside the step's run result, `runs/<run id>/<step>.progress` in the data docs; it is gone once the
result is there. It is no result: who lists results (`*.json`) never finds it. The keys are the fields of `Progress`.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

VERSION = 1


@dataclass(frozen=True)
class Progress:
    """Tables of a step that are done, of how many, and the rows that it has worked through, if it knows."""

    done: int
    tables: int
    rows: int | None = None
    version: int = VERSION

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Progress":
        """Parse the text of the file. Raises ValueError if it is not the progress of a step, in this version."""
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("version") != VERSION:
            raise ValueError(f"no progress of version {VERSION}")
        try:
            progress = cls(**found)
        except TypeError as error:
            raise ValueError(f"no progress: {error}") from None
        counts = (progress.done, progress.tables, progress.rows or 0)
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError(f"no progress: its counts are {counts}")
        return progress


def progress_file(docs: Path, run_id: str, step: str) -> Path:
    """Return the path of a step's progress; `run_id` must be a folder name."""
    return docs / "runs" / run_id / f"{step}.progress"


def read(docs: Path, run_id: str, step: str) -> Progress | None:
    """Return how far a step has come; None if it does not say, or not in a form that is known here."""
    try:
        return Progress.from_json(progress_file(docs, run_id, step).read_bytes())
    except (OSError, ValueError):
        return None
