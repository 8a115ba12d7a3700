"""What is wrong with a delivered file before anything of it is read: compression, damage, a CSV file's header."""

import gzip
import zlib
from pathlib import Path

from catalog.tables import Source
from jobs.bronze import csv_lines

GZIP = ".gz"
# Spark decodes most of them by their suffix, and one damaged file stops its stream for good. Only gzip is tested.
COMPRESSED = frozenset({GZIP, ".bz2", ".deflate", ".lz4", ".snappy", ".xz", ".zip", ".zst"})
MOST_UNPACKED = 4 << 30  # bytes, the largest size that a gzip file may unpack to
HEAD = 1 << 16  # characters that are searched for a CSV file's header


def flaw(file: Path, source: Source) -> str | None:
    """Return the reason why a file must not be read; None if it may be."""
    suffix = file.suffix
    if suffix != GZIP and suffix.lower() in COMPRESSED:
        return f"{suffix} is not read; bring the file as {GZIP} or plain"
    try:
        if suffix == GZIP and (damage := _damage(file)):
            return damage
        return _header_flaw(file, source) if source.format == "csv" else None
    except (EOFError, OSError, zlib.error) as error:
        return str(error)


def _damage(archive: Path) -> str | None:
    """Return why a gzip file is refused, if it is. Raises EOFError, OSError or zlib.error for a damaged one."""
    size = 0
    with gzip.open(archive) as file:
        while piece := file.read(1 << 20):
            size += len(piece)
            if size > MOST_UNPACKED:
                return f"it unpacks to more than {MOST_UNPACKED:,} bytes; bring it in smaller files"
    return None


def _header_flaw(file: Path, source: Source) -> str | None:
    """What is wrong with a CSV file's header: its values would change places, or stand under other names.

    A file without a header is read by position.
    """
    opened = gzip.open if file.suffix == GZIP else open
    with opened(file, "rt", encoding="utf-8-sig", errors="replace") as text:
        lines = text.read(HEAD).split("\n")
    first = next((line for line in lines if line.strip() and not csv_lines.is_preamble(line, source)), "")
    tokens = [token.strip(' \t\r"') for token in first.split(",")]
    names, wanted = [token.casefold() for token in tokens], [name.casefold() for name in source.fields]
    if names == wanted or not (sorted(names) == sorted(wanted) or csv_lines.is_header(tokens, source)):
        return None
    if sorted(names) == sorted(wanted):
        return f"its columns are in another order than {','.join(source.fields)}; bring them in this one"
    unknown = [token for token in tokens if token.casefold() not in wanted]
    missing = [name for name in source.fields if name.casefold() not in names]
    said = [f"has {', '.join(unknown)[:200]}"] if unknown else []
    said += [f"lacks {', '.join(missing)}"] if missing else []
    return f"its header {' and '.join(said) or 'has a name twice'}; bring {','.join(source.fields)}"
