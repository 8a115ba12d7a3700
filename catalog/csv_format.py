"""What the CSV files of a source are like."""

import re
from dataclasses import dataclass, fields

DELIMITERS = (",", ";", "\t", "|")
BACKSLASH = "backslash"  # the only kind of escapes
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class CsvFormat:
    """The keys of a source that only its CSV files have; the defaults are RFC 4180 with a header."""

    header: bool = True
    delimiter: str = ","
    decimal: str = "."
    nulls: tuple[str, ...] = ()
    escapes: str = ""
    comments: bool = False

    @property
    def null_numbers(self) -> tuple[float, ...]:
        """Those of `nulls` that are numbers, which have several spellings: -9999 is -9999.00, too."""
        texts = [each.replace(self.decimal, ".") for each in self.nulls]
        return tuple(float(text) for text in texts if _NUMBER.fullmatch(text))

    def check_format(self, format_: str) -> None:
        """Raise ValueError for a value that no file can be read by, and for any key of CSV with another format."""
        if format_ not in ("json", "csv"):
            raise ValueError(f"format must be json or csv, not {format_!r}")
        given = [each.name for each in fields(CsvFormat) if getattr(self, each.name) != each.default]
        if given and format_ != "csv":
            raise ValueError(f"{', '.join(given)}: for csv only")
        if self.delimiter not in DELIMITERS:
            raise ValueError(
                f"delimiter must be one of {' '.join(map(repr, DELIMITERS))}, not {self.delimiter!r}"
            )
        if self.decimal not in (".", ","):
            raise ValueError(f"decimal must be '.' or ',', not {self.decimal!r}")
        if self.escapes not in ("", BACKSLASH):
            raise ValueError(f"escapes must be {BACKSLASH!r} or be left out, not {self.escapes!r}")


def frozen(value: object) -> object:
    """A value of the catalog as one that can be hashed: lists as tuples, tables as tuples of pairs."""
    if isinstance(value, dict):
        return tuple(value.items())
    return tuple(value) if isinstance(value, list) else value
