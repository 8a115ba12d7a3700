"""The run result of a step, which the jobs write for readers without Spark: Airflow, `make run`, pages.

A file of JSON in the data docs, `runs/<run id>/<step>.json`, written once the step has ended, however it ended. The
keys are the fields of `RunResult`. A reader accepts only results of its own version.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

VERSION = 1
DONE, REFUSED, FAILED = "done", "refused", "failed"


@dataclass(frozen=True)
class TableEntry:
    """Result of a step for one table; `detail` differs by stage."""

    table: str  # `layer.name`, or a stage's own name for what is no table
    rows: int  # landed, written, published or checked
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunResult:
    """Result of one step of one run. Raises ValueError for an unknown status."""

    stage: str  # name of the step, as in `check_bronze`
    night: str  # YYYY-MM-DD
    run_id: str
    status: str  # done; refused: the data did not pass its contract; failed
    exit: int  # status of the process
    message: str  # what went wrong, in one line; empty when nothing did
    started_at: str  # ISO 8601, UTC
    ended_at: str
    seconds: float
    tables: tuple[TableEntry, ...] = ()
    pages: tuple[str, ...] = ()  # written by the step, relative to the data docs
    version: int = VERSION

    def __post_init__(self) -> None:
        if self.status not in (DONE, REFUSED, FAILED):
            raise ValueError(f"status is {self.status!r}, not {DONE}, {REFUSED} or {FAILED}")

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> "RunResult":
        """Parse the text of the file. Raises ValueError if it is not a run result of this version."""
        try:
            found = json.loads(text)
            # Results without a version have the same keys.
            if (version := found.setdefault("version", VERSION)) != VERSION:
                raise ValueError(f"a run result of version {version}, not {VERSION}")
            tables = tuple(TableEntry(**table) for table in found.pop("tables"))
            return cls(**found | {"tables": tables, "pages": tuple(found["pages"])})
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no run result: {error}") from None


def path_of(run_id: str, step: str) -> str:
    """Return the path of a step's result in the data docs; `run_id` must be a folder name."""
    return f"runs/{run_id}/{step}.json"
