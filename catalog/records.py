"""What a source says of its records: where they lie in a document, how they write times, and how old they may be."""

import re
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from catalog.clock import Clock, flaw
from catalog.envelope import ROOT
from catalog.json_path import path_of

# How a malformed record begins that `without_records` has made one.
WITHOUT_RECORDS = r"^(no records? (?:in|of) .*?): \s*\{"
_OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")


@dataclass(frozen=True, kw_only=True)
class Records:
    """Settings of a source; what each means stands at the head of `demo.toml`."""

    records: str = ""
    senml: bool = False
    earliest: date = date(2000, 1, 1)
    zone: str = "UTC"
    times: tuple[str, ...] = ()

    @property
    def is_rewritten(self) -> bool:
        """Whether no line of its JSON is a record as it is."""
        return bool(self.records or self.senml)

    @property
    def clock(self) -> Clock:
        """How it writes times and days."""
        return Clock(self.zone, self.times)

    def check_records(self, source_format: str) -> None:
        """Raise ValueError for settings that cannot be meant."""
        if self.zone != "UTC" and not _is_zone(self.zone):
            raise ValueError(f"zone must be like Europe/Berlin or +01:00, not {self.zone!r}")
        if flaws := [said for said in map(flaw, self.times) if said]:
            raise ValueError(flaws[0])
        if self.records and source_format != "json":
            raise ValueError("records is for json: each line of a csv file is a record")
        if self.senml and source_format != "json":
            raise ValueError("senml is for json: no line of a csv file is a pack of records")
        if self.records and not _leads_to_records(self.records):
            raise ValueError(
                f"records must be a path of names, through arrays by itself, like data.items, not {self.records!r}"
            )


def without_records(path: str, flaw: str = "") -> str:
    """Return how a malformed record begins that is an object, but has no records where or as its source says.

    `flaw` is why one is none of SenML. Behind it, after a colon and a blank, is the object as it came.
    """
    said = f"no records in {path}" if path and not flaw else "no record of SenML"
    return f"{said} ({flaw}): " if flaw else f"{said}: "


def _leads_to_records(path: str) -> bool:
    try:
        steps = path_of(path).steps
    except ValueError:
        return False
    return steps[0] != ROOT and all(isinstance(step, str) for step in steps)


def _is_zone(name: str) -> bool:
    try:
        return bool(_OFFSET.fullmatch(name)) or bool(ZoneInfo(name))
    except (ValueError, OSError, KeyError):  # what cannot be a name, a folder of names, none of them
        return False
