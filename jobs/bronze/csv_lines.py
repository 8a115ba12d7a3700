"""Lines of a CSV file that are no records: its header, and what stands before it. Needs nothing but Python."""

import re
from collections.abc import Sequence

from catalog.tables import Source

# Excel's line about the separator.
SEPARATOR = re.compile(r"sep=.?", re.IGNORECASE)
COMMENT = "#"
_NAME = re.compile(r"[^\W\d][\w .()/%°-]*")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_TIME = re.compile(r"\d{4}-?\d{1,2}-?\d{1,2}.*|\d{9,19}(\.\d+)?")
_FITS = {
    "BOOLEAN": re.compile(r"true|false|t|f|yes|no|y|n|[01]", re.IGNORECASE),
    "DATE": _TIME,
    "TIMESTAMP": _TIME,
}


def has_comments(source: Source) -> bool:
    """Whether a line of the source that begins with # can be no record: its first column is no text."""
    return next(iter(source.fields.values())) != "STRING"


def is_preamble(line: str, source: Source) -> bool:
    """Whether a line stands before the header, about the file itself."""
    stripped = line.strip()
    return bool(SEPARATOR.fullmatch(stripped)) or (has_comments(source) and stripped.startswith(COMMENT))


def is_header(tokens: Sequence[str], source: Source) -> bool:
    """Whether the tokens of a file's first line are names: all look like some, and none fits its typed column."""
    if len(tokens) < 2 or not all(_NAME.fullmatch(token) for token in tokens):
        return False
    typed = [
        (token, kind) for token, kind in zip(tokens, source.fields.values(), strict=False) if kind != "STRING"
    ]
    return bool(typed) and not any(_FITS.get(kind, _NUMBER).fullmatch(token) for token, kind in typed)
