"""Lines of a CSV file that are no records: its header, and what stands before it. Needs nothing but Python."""

import re
from collections.abc import Sequence

from catalog.tables import Source

# Excel's line about the separator.
SEPARATOR = re.compile(r"sep=.?", re.IGNORECASE)
COMMENT = "#"
_NAME = re.compile(r"[^\W\d][\w .()/%°-]*")
_BOOLEAN = re.compile(r"true|false|t|f|yes|no|y|n", re.IGNORECASE)


def has_comments(source: Source) -> bool:
    """Whether a line of the source that begins with # can be no record: its first column is no text."""
    return next(iter(source.fields.values())) != "STRING"


def is_preamble(line: str, source: Source) -> bool:
    """Whether a line stands before the header, about the file itself."""
    stripped = line.strip()
    return bool(SEPARATOR.fullmatch(stripped)) or (has_comments(source) and stripped.startswith(COMMENT))


def is_header(tokens: Sequence[str], source: Source) -> bool:
    """Whether the tokens of a file's first line are names: all look like some, and none is a value of its column.

    No number and no time looks like a name. Where all columns are text, nothing tells a name from a value.
    """
    if len(tokens) < 2 or not all(_NAME.fullmatch(token) for token in tokens):
        return False
    columns = [*zip(tokens, source.fields.values(), strict=False)]
    is_typed = any(kind != "STRING" for _, kind in columns)
    return is_typed and not any(kind == "BOOLEAN" and _BOOLEAN.fullmatch(token) for token, kind in columns)
