"""What a source says of its records: where they lie in a document, and how old they may be."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True)
class Records:
    """Settings of a source; what each means stands at the head of `demo.toml`."""

    records: str = ""
    earliest: date = date(2000, 1, 1)

    def check_records(self, source_format: str) -> None:
        """Raise ValueError for settings that cannot be meant."""
        if type(self.earliest) is not date:
            raise ValueError(f"earliest must be a day like 2000-01-01 without quotes, not {self.earliest!r}")
        if self.records and source_format != "json":
            raise ValueError("records is for json: each line of a csv file is a record")
