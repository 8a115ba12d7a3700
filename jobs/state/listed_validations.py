"""The newest validation results, `great_expectations/listed.json` of the lake: what the index of the data docs lists.

Great Expectations itself looks for them in the folders of all results that there are, and opens each that it lists:
after a year of nights a check would spend more on that than on checking.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from jobs.files import write_atomically
from jobs.settings import Settings

MOST = 300  # results, those of 20 nights; the pages of older ones stay where they are


@dataclass(frozen=True)
class ListedValidation:
    """A result: of which suite, by which run and when (ISO 8601), of which batch, and whether all of it was met."""

    suite: str
    run_name: str
    run_time: str
    batch: str
    asset: str
    success: bool


def path(settings: Settings) -> Path:
    """Where a lake keeps its list."""
    return within(settings.home / "great_expectations")


def within(folder: Path) -> Path:
    """Where the list is, in the folder of Great Expectations."""
    return folder / "listed.json"


def read(file: Path) -> list[ListedValidation] | None:
    """Return the listed results, the newest first; None where there is no list yet."""
    if not file.exists():
        return None
    return [ListedValidation(**each) for each in json.loads(file.read_text(encoding="utf-8"))]


def write(file: Path, results: Iterable[ListedValidation]) -> None:
    """Keep the newest of some results."""
    newest = sorted(dict.fromkeys(results), key=lambda each: each.run_time, reverse=True)[:MOST]
    write_atomically(file, json.dumps([asdict(each) for each in newest], indent=1))


def forget(settings: Settings, runs: Collection[str]) -> None:
    """Leave the results of some runs out, whose pages are gone."""
    file = path(settings)
    if runs and (listed := read(file)):
        write(file, (each for each in listed if each.run_name not in runs))
